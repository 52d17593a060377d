import math

import pytest
import torch
from calibration_scans import SIZE, object_, signal, white

from monai_gan_recon.measurement import KData, ifft2c, sampling_mask
from monai_gan_recon.measurement.calibration import calibrate
from monai_gan_recon.measurement.noise import WHITENED_NOISE_STD
from monai_gan_recon.simulation.coils import biot_savart_maps

STD = 0.02


@pytest.fixture(scope="module")
def mix():
    generator = torch.Generator().manual_seed(4)
    gains = torch.diag(0.5 + 2 * torch.rand(12, generator=generator)).to(torch.complex64)
    return gains @ (torch.eye(12) + 0.2 * torch.randn(12, 12, generator=generator)).to(torch.complex64)


@pytest.fixture(scope="module")
def mask():
    return sampling_mask("gaussian1d", SIZE, 0.5, seed=0)[None, None]


@pytest.fixture(scope="module")
def scan(mix, mask):
    """Two slices, 12 coils whose noise is correlated and of unequal strength."""
    clean = torch.stack([signal(12), 0.5 * signal(12).flip(-1).roll(1, -1)])
    return clean * mask + torch.einsum("vc,schw->svhw", mix, white(2, 12, *SIZE, std=STD)) * mask


def explained(images, maps):
    left = images - maps * (maps.conj() * images).sum(1, keepdim=True)
    return float(left.norm() / images.norm())


@pytest.mark.parametrize("with_noise_scan", [True, False])
def test_chain_gives_white_noise_fewer_coils_maps_and_the_noise(scan, mask, mix, with_noise_scan):
    noise = mix @ white(12, 20_000, seed=9, std=STD) if with_noise_scan else None
    result = calibrate(scan, mask, noise=noise)
    assert result.kspace.shape == result.maps.shape == (2, 8, *SIZE)
    assert result.noise_std.shape == (2, 1, 1, 1)
    assert float(result.noise_std[0]) == pytest.approx(WHITENED_NOISE_STD, rel=1e-6 if with_noise_scan else 0.15)
    again = calibrate(result.kspace, mask, maps=result.maps, whiten=False)  # nothing is left to do
    torch.testing.assert_close(again.kspace, result.kspace)
    torch.testing.assert_close(again.maps, result.maps, atol=1e-5, rtol=0)
    assert float(again.noise_std[0]) == pytest.approx(WHITENED_NOISE_STD, rel=0.15)
    data = KData(result.kspace, mask, result.maps, result.noise_std)
    first, second = data.adjoint().abs()
    assert first.isfinite().all()
    assert 0.4 < float(second.sum() / first.sum()) < 0.6


def test_given_maps_go_through_the_same_whitening_and_compression(scan, mask, mix):
    truth = biot_savart_maps(SIZE, 12)
    noise = mix @ white(12, 20_000, seed=9, std=1e-4)
    scans = torch.stack([signal(12)] * 2) + torch.einsum("vc,schw->svhw", mix, white(2, 12, *SIZE, std=1e-4))
    given = calibrate(scans, torch.ones_like(mask), noise=noise, maps=truth)
    assert explained(ifft2c(given.kspace), given.maps) < 0.01
    norm = torch.linalg.vector_norm(given.maps, dim=1)
    torch.testing.assert_close(norm, torch.ones_like(norm), atol=1e-4, rtol=0)


def test_whitening_gives_less_noise_in_the_image():
    """Four of eight coils are eight times as noisy: whitened, the combination trusts them less."""
    gains = torch.tensor([1.0, 8.0] * 4)
    everything = torch.ones(1, 1, *SIZE, dtype=torch.bool)
    scan = signal(8)[None] + gains[:, None, None] * white(1, 8, *SIZE, std=STD)
    noise = gains[:, None] * white(8, 9000, seed=7, std=STD)
    inside = object_().abs() > 0.1

    def error(**options):
        result = calibrate(scan, everything, noise=noise, maps=biot_savart_maps(SIZE, 8), **options)
        clean = calibrate(
            signal(8)[None] + 1e-3 * (scan - signal(8)),
            everything,
            noise=1e-3 * noise,
            maps=biot_savart_maps(SIZE, 8),
            **options,
        )
        noisy, truth = (KData(r.kspace / r.kspace.norm(), everything, r.maps).adjoint()[0] for r in (result, clean))
        noisy = noisy * ((noisy.conj() * truth)[inside].sum() / noisy[inside].norm() ** 2)
        return float((noisy - truth)[inside].norm() / truth[inside].norm())

    assert error() < 0.6 * error(whiten=False)


def test_one_coil_stays_one_coil(mask):
    scan = (signal(1) + white(3, 1, *SIZE, std=STD)) * mask
    result = calibrate(scan, mask)
    assert result.maps is None
    torch.testing.assert_close(result.kspace, scan, rtol=0, atol=0)
    assert float(result.noise_std[0]) == pytest.approx(STD, rel=0.15)
    measured = calibrate(scan, mask, noise=white(1, 50_000, std=STD))
    assert float(measured.noise_std[0]) == pytest.approx(STD, rel=0.01)


def test_noise_scan_of_another_bandwidth_is_told(scan, mask, mix):
    with pytest.warns(UserWarning, match="bandwidth"):
        calibrate(scan, mask, noise=3 * mix @ white(12, 5000, std=STD))


def _broken(scan, coil, value):
    scan = scan.clone()
    scan[:, coil] = value
    return scan


BAD = {
    "rank": (lambda s: (s[0],), {}, "slices, coils, H, W"),
    "real": (lambda s: (s.real,), {}, "complex"),
    "coils last": (lambda s: (s.movedim(1, -1),), {}, "axis"),
    "maps' coils last": (lambda s: (s,), {"maps": lambda s: s[0].movedim(0, -1)}, "another axis"),
    "maps of another size": (lambda s: (s,), {"maps": lambda s: s[..., 1:]}, "do not fit"),
    "noise of other coils": (lambda s: (s,), {"noise": lambda s: white(5, 500)}, "5 coils"),
    "zero coil": (lambda s: (_broken(s, 3, 0),), {}, "coil 3 .* zero"),
    "NaN coil": (lambda s: (_broken(s, 4, math.nan),), {}, "coil 4 .* finite"),
    "coils": (lambda s: (s,), {"coils": lambda s: 0}, "coils"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_line(scan, mask, case):
    positional, options, word = BAD[case]
    with pytest.raises(ValueError, match=word) as error:
        calibrate(*positional(scan), mask, **{name: make(scan) for name, make in options.items()})
    assert "\n" not in str(error.value)


def test_without_calibration_lines_maps_are_asked_for(scan, mask):
    without = mask.clone()
    without[..., SIZE[1] // 2 - 2 : SIZE[1] // 2 + 2] = False
    with pytest.raises(ValueError, match="--maps"):
        calibrate(scan * without, without)
    given = calibrate(scan * without, without, maps=biot_savart_maps(SIZE, 12))
    assert given.maps.shape == (2, 8, *SIZE)
