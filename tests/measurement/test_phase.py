"""The phase of the central k-space."""

import pytest
import torch

from monai_gan_recon.measurement import fft2c, ifft2c, low_resolution_phase, sampling_mask


def ellipse(size, value=0.5):
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in size), indexing="ij")
    inside = (y**2 + x**2) < 0.6
    return inside * (value + 0.5 * torch.rand(size, generator=torch.Generator().manual_seed(0))), inside, y, x


@pytest.mark.parametrize("size", [(64, 128), (65, 71)])
def test_a_real_positive_object_has_none(size):
    phase = low_resolution_phase(ellipse(size)[0] + 0j)
    torch.testing.assert_close(phase, torch.ones_like(phase), rtol=0, atol=1e-4)


@pytest.mark.parametrize("rate", [0.2, 1.0])
def test_a_smooth_phase_is_found_from_the_measured_lines(rate):
    image, inside, y, x = ellipse((128, 128))
    phase = 1.5 * x - 0.8 * y + 0.7 * x * y
    mask = sampling_mask("gaussian1d", (128, 128), rate, seed=0)
    found = low_resolution_phase(ifft2c(fft2c(torch.polar(image, phase)) * mask))
    error = (found * torch.polar(torch.ones_like(phase), -phase)).angle().abs()[inside]
    assert error.mean() < 0.1
    assert error.max() < 0.6


def test_magnitude_is_one_and_an_empty_image_has_phase_zero():
    image = torch.randn(2, 32, 32, dtype=torch.complex64)
    torch.testing.assert_close(low_resolution_phase(image).abs(), torch.ones(2, 32, 32))
    empty = torch.zeros(32, 32, dtype=torch.complex64)
    torch.testing.assert_close(low_resolution_phase(empty), torch.ones_like(empty))
