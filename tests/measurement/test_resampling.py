"""Measuring again: another object through the same mask, and samples held out."""

import pytest
import torch
from dense_problems import coil_maps, complex_randn, mask_of

from monai_gan_recon.measurement import (
    KData,
    fft2c,
    from_channels,
    hermitian_completion,
    hold_out,
    measure_again,
    mirror,
    pack,
)

SIZES = [(32, 48), (33, 47)]


def measured(kinds, size=(40, 64), rate=0.5, hermitian=False, coils=0):
    """Network input of random real images, (B, 4, H, W), each with a mask of its own."""
    mask = torch.cat([mask_of(kind, size, rate, seed) for seed, kind in enumerate(kinds)])
    image = torch.rand(len(kinds), 1, *size, generator=torch.Generator().manual_seed(0))
    maps = coil_maps(coils, size)
    maps = None if maps is None else maps.expand(len(kinds), -1, -1, -1)
    data = KData(fft2c(image + 0j if maps is None else maps * image) * mask, mask, maps)
    return pack(hermitian_completion(data) if hermitian else data)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("coils", [0, 3])
def test_another_object_through_the_same_operator(coils, size):
    """A^H A, so its own adjoint: <A^H A x, y> = <x, A^H A y> through the gradient."""
    x = measured(["columns", "points"], size, coils=coils)
    image, other = (torch.randn(2, 2, *size, requires_grad=True) for _ in range(2))
    again = measure_again(image, x)
    (again * other.detach()).sum().backward()
    torch.testing.assert_close(image.grad, measure_again(other, x).detach(), rtol=1e-4, atol=1e-5)
    if coils == 0:
        torch.testing.assert_close(measure_again(again, x), again, rtol=0, atol=1e-5)
        wanted = fft2c(from_channels(image)) * x[:, 2]
        torch.testing.assert_close(fft2c(from_channels(again)), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("coils", [0, 2])
def test_the_noise_is_that_of_the_measurement(coils):
    torch.manual_seed(0)
    size = (128, 128)
    x = pack(KData(torch.zeros(1, max(coils, 1), *size, dtype=torch.complex64), torch.ones(1, 1, *size),
                   coil_maps(coils, size), 0.05))  # fmt: skip
    noise = measure_again(torch.zeros(1, 2, *size), x)
    for part in (noise[:, 0], noise[:, 1]):  # coils whose squares sum to 1 leave it as it is
        assert part.std().item() == pytest.approx(0.05, rel=0.03)


@pytest.mark.parametrize("size", [(40, 64), (33, 47)])
@pytest.mark.parametrize("kind", ["columns", "rows"])
def test_whole_lines_go_and_the_others_stay(size, kind):
    x = measured([kind] * 4, size)
    kept = hold_out(x, 0.4)
    before, after = x[:, 2], kept[:, 2]
    assert ((after == 0) | (after == before)).all()
    assert (after.sum((1, 2)) < before.sum((1, 2))).all()
    assert (after == after.narrow(-2 if kind == "columns" else -1, 0, 1)).all()
    spectra = [fft2c(from_channels(t[:, :2])) for t in (x, kept)]
    torch.testing.assert_close(spectra[1], spectra[0] * (after != 0), rtol=0, atol=1e-5)


def test_point_patterns_lose_points():
    after = hold_out(measured(["points"]), 0.4)[:, 2]
    assert (after != after[:, :1]).any()
    assert (after != after[..., :1]).any()


def test_the_fraction_is_met_and_the_noise_stays():
    torch.manual_seed(0)
    x = pack(KData(complex_randn(64, 1, 16, 128), torch.ones(64, 1, 16, 128), None, 0.25))
    for fraction in (0.0, 0.2, 0.6):
        kept = hold_out(x, fraction, centre=0.0)
        assert kept[:, 2].mean().item() == pytest.approx(1 - fraction, abs=0.03)
        assert torch.equal(kept[:, 3:], x[:, 3:])


def test_the_centre_stays_and_a_line_goes_with_its_mirror():
    """Else the Hermitian completion would tell the network what is held out."""
    x = measured(["columns", "rows", "points"], hermitian=True)
    kept = hold_out(x, 0.6, centre=0.05)[:, 2]
    assert (kept == mirror(kept)).all()
    y, z = slice(40 // 2 - 2, 40 // 2 + 3), slice(64 // 2 - 3, 64 // 2 + 4)
    assert torch.equal(kept[:, y, z], x[:, 2, y, z])
    assert kept.sum() < 0.7 * x[:, 2].sum()


@pytest.mark.parametrize("fraction", [-0.1, 1.0])
def test_impossible_fractions(fraction):
    with pytest.raises(ValueError, match="held_out"):
        hold_out(measured(["columns"]), fraction)


def test_coils_cannot_be_held_out():
    with pytest.raises(ValueError, match="one coil"):
        hold_out(measured(["columns"], coils=2), 0.4)
