"""The phase of the central k-space."""

import pytest
import torch

from monai_gan_recon.measurement import fft2c, low_resolution_phase, sampling_mask
from monai_gan_recon.simulation import biot_savart_maps


def ellipse(size, value=0.5):
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in size), indexing="ij")
    inside = (y**2 + x**2) < 0.6
    return inside * (value + 0.5 * torch.rand(size, generator=torch.Generator().manual_seed(0))), inside, y, x


@pytest.mark.parametrize("size", [(64, 128), (65, 71)])
def test_a_real_positive_object_has_none(size):
    phase = low_resolution_phase(fft2c(ellipse(size)[0] + 0j)[None])
    torch.testing.assert_close(phase, torch.ones_like(phase), rtol=0, atol=1e-4)


@pytest.mark.parametrize("rate", [0.2, 1.0])
def test_a_smooth_phase_is_found_from_the_measured_lines(rate):
    image, inside, y, x = ellipse((128, 128))
    phase = 1.5 * x - 0.8 * y + 0.7 * x * y
    mask = sampling_mask("gaussian1d", (128, 128), rate, seed=0)
    found = low_resolution_phase((fft2c(torch.polar(image, phase)) * mask)[None])
    error = (found * torch.polar(torch.ones_like(phase), -phase)).angle().abs()[inside]
    assert error.mean() < 0.1
    assert error.max() < 0.6


def test_magnitude_is_one_and_an_empty_image_has_phase_zero():
    kspace = torch.randn(2, 1, 32, 32, dtype=torch.complex64)
    torch.testing.assert_close(low_resolution_phase(kspace).abs(), torch.ones(2, 32, 32))
    empty = torch.zeros(1, 32, 32, dtype=torch.complex64)
    torch.testing.assert_close(low_resolution_phase(empty), torch.ones(32, 32, dtype=torch.complex64))


def test_the_phase_that_maps_are_relative_to_does_not_matter():
    """ESPIRiT's maps are relative to one coil, whose phase turns around its nulls."""
    image, inside, y, x = ellipse((64, 64))
    maps = biot_savart_maps((64, 64), 4)
    maps = maps / torch.linalg.vector_norm(maps, dim=0)
    vortex = torch.sgn(torch.complex(x - 0.1, y - 0.2))
    kspace = fft2c(maps * torch.polar(image, 0.8 * x))
    for reference in (torch.ones_like(vortex), vortex):
        relative = maps * reference
        found = low_resolution_phase(kspace, relative)
        left = (found.conj() * reference.conj() * torch.polar(torch.ones_like(x), 0.8 * x))[inside].angle()
        assert left.abs().mean() < 0.1
        assert left.abs().max() < 0.6
