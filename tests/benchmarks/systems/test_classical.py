"""Classical methods against dense algebra, scikit-image, and the objectives that they minimise."""

from importlib.resources import files

import numpy as np
import pytest
import torch
from baseline_inputs import measured, network_input
from skimage.restoration import denoise_tv_chambolle

from benchmarks.systems import CGSense, L1Wavelet, SupportCG, TotalVariation
from monai_gan_recon.measurement import normal_operator, pack, sampling_mask, to_channels, unpack
from monai_gan_recon.measurement.operators import gram_real
from monai_gan_recon.networks.generator import signal_intensity


def square(size=(48, 48)):
    """A real object in an empty frame, (1, H, W)."""
    image = torch.zeros(1, *size, dtype=torch.complex64)
    image[:, 14:34, 12:36] = 1.0
    image[:, 20:26, 18:28] = 2.0
    return image


def test_support_cg_finds_a_real_object_in_an_empty_frame():
    image = square()
    mask = sampling_mask("equispaced", (48, 48), 0.6, seed=0)[None, None]
    x = network_input_of(image, mask)
    zero_filled = (x[:, :2] - to_channels(image)).norm()
    found = SupportCG(iterations=300)(x)
    assert (found - to_channels(image)).norm() < 0.05 * zero_filled
    assert not found[:, 1].any()
    assert SupportCG(real=False)(x)[:, 1].any()


@pytest.mark.parametrize("coils", [0, 4])
def test_support_cg_scales_with_image_and_noise(coils):
    x = network_input((32, 32), coils=coils, noise_std=0.05)
    scaled = x.clone()
    scaled[:, [0, 1, 3]] *= 1000
    network = SupportCG(real=False)
    torch.testing.assert_close(network(scaled), 1000 * network(x), rtol=1e-3, atol=1.0)


def test_total_variation_of_full_sampling_is_rof_denoising():
    """Fully sampled, it is the model that scikit-image solves by Chambolle's algorithm; the border is empty."""
    generator = torch.Generator().manual_seed(0)
    image = square((48, 48)).real
    image[:, 12:36, 10:38] += 0.2 * torch.randn(1, 24, 28, generator=generator)
    x = network_input_of(image.to(torch.complex64), torch.ones(1, 1, 48, 48))
    scale = float(signal_intensity(x[:, :2]))
    found = TotalVariation(weight=0.1, iterations=400)(x)[0, 0].numpy()
    expected = denoise_tv_chambolle(image[0].numpy() / scale, weight=0.1, eps=1e-9, max_num_iter=5000) * scale
    assert np.abs(found - expected).max() < 0.01 * scale


@pytest.mark.parametrize("coils", [0, 4])
def test_total_variation_has_converged(coils):
    """Of twice the iterations the objective gains nothing, and no random step makes it smaller."""
    x = network_input((32, 40), coils=coils, noise_std=0.02)
    data = unpack(x)
    normal = normal_operator(data.mask, data.maps)
    scale = signal_intensity(data.adjoint)
    weight = 0.02

    def objective(image):
        x = image / scale
        y = x.movedim(1, -1).contiguous()
        inner = (x * gram_real(y, normal).movedim(-1, 1)).sum((1, 2, 3)) / 2 - (x * data.adjoint / scale).sum((1, 2, 3))
        down, across = (torch.roll(y, -1, d) - y for d in (1, 2))
        return inner + weight * (down.square() + across.square()).sum(-1).sqrt().sum((1, 2))

    once, twice = (TotalVariation(weight, iterations=n)(x) for n in (100, 200))
    assert (objective(once) - objective(twice)).abs().max() < 1e-3 * objective(twice).abs().max()
    generator = torch.Generator().manual_seed(1)
    for size in (1e-2, 1e-1):
        step = size * scale * torch.randn(twice.shape, generator=generator)
        assert (objective(twice + step) > objective(twice)).all()


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "weight"), [(0.1, 0.003), (0.25, 0.001), (0.5, 0.0001)])
def test_published_total_variation_has_converged(rate, weight):
    """Twice the iterations of the configuration change a slice less than 0.1 dB, as its error goes."""
    image = torch.from_numpy(data_slice())[None].to(torch.complex64)
    x = network_input_of(image, sampling_mask("gaussian1d", tuple(image.shape[-2:]), rate, seed=0)[None, None])
    errors = [(TotalVariation(weight, True, n)(x) - to_channels(image)).norm() for n in (800, 1600)]
    assert abs(20 * torch.log10(errors[0] / errors[1])) < 0.1


@pytest.mark.parametrize("real", [True, False])
def test_l1_wavelet_has_converged_and_removes_aliasing(real):
    """Of twice the iterations the error changes less than 0.1 dB, and it is well below the zero-filled image's."""
    image = torch.from_numpy(data_slice())[None].to(torch.complex64)
    mask = sampling_mask("poisson", tuple(image.shape[-2:]), 0.3, seed=0)[None, None]
    x = pack(measured(image, mask, noise_std=0.02))
    errors = [(L1Wavelet(0.03, real, n)(x) - to_channels(image)).norm() for n in (100, 200)]
    assert abs(20 * torch.log10(errors[0] / errors[1])) < 0.1
    assert errors[1] < 0.75 * (x[:, :2] - to_channels(image)).norm()


def test_l1_wavelet_of_full_sampling_shrinks_wavelets():
    """A large weight leaves nothing, a tiny one everything."""
    image = square()
    x = network_input_of(image, torch.ones(1, 1, 48, 48))
    nothing, everything = (L1Wavelet(weight, iterations=60)(x) for weight in (100.0, 1e-6))
    assert nothing.norm() < 1e-3 * image.norm()
    assert (everything - to_channels(image)).norm() < 1e-3 * image.norm()


@pytest.mark.parametrize("coils", [1, 4])
def test_cg_sense_is_regularised_least_squares(coils):
    """Against the dense normal equations."""
    x = network_input((16, 16), coils=coils, noise_std=0.02)
    data = unpack(x)
    basis = torch.eye(2 * 256).reshape(-1, 2, 16, 16)
    one = normal_operator(data.mask[:1], None if data.maps is None else data.maps[:1])
    matrix = gram_real(basis.movedim(1, -1).contiguous(), one).movedim(-1, 1).reshape(512, 512).T
    expected = torch.linalg.solve(matrix + 0.3 * torch.eye(512), data.adjoint[0].reshape(512))
    found = CGSense(0.3, iterations=60)(x)
    torch.testing.assert_close(found[0].reshape(512), expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
    assert not CGSense(0.3, real=True)(x)[:, 1].any()


@pytest.mark.parametrize(
    ("kind", "given"),
    [(SupportCG, {"threshold": -1}), (SupportCG, {"blur": 4}), (TotalVariation, {"weight": 0}),
     (TotalVariation, {"iterations": 0}), (L1Wavelet, {"levels": 0}), (CGSense, {"weight": -1})],
)  # fmt: skip
def test_classical_methods_refuse_numbers(kind, given):
    with pytest.raises(ValueError, match=str(next(iter(given.values())))):
        kind(**given)


def network_input_of(image, mask):
    return pack(measured(image, mask))


def data_slice():
    """The real coronal slice that DIPY ships, half its size, in [0, 1]."""
    image = np.load(files("dipy") / "data" / "files" / "t1_coronal_slice.npy").astype(np.float32)[::2, ::2]
    return image / image.max()
