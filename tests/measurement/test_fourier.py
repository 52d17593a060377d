"""The Fourier transform is unitary, centred and inverse to its adjoint."""

import numpy as np
import pytest
import torch

from monai_gan_recon.measurement import fft2c, from_channels, ifft2c, to_channels

SIZES = [(16, 16), (17, 24), (65, 71), (64, 128)]


def random_complex(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


@pytest.mark.parametrize("size", SIZES)
def test_equals_numpy(size):
    image = random_complex(3, *size)
    expected = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image.numpy(), axes=(-2, -1)), norm="ortho"), axes=(-2, -1))
    torch.testing.assert_close(fft2c(image), torch.from_numpy(expected))


@pytest.mark.parametrize("size", SIZES)
def test_unitary(size):
    image, kspace = random_complex(2, *size), random_complex(2, *size, seed=1)
    torch.testing.assert_close(ifft2c(fft2c(image)), image)
    torch.testing.assert_close(fft2c(image).norm(), image.norm())
    torch.testing.assert_close(
        torch.vdot(kspace.flatten(), fft2c(image).flatten()),
        torch.vdot(ifft2c(kspace).flatten(), image.flatten()),
    )


def test_constant_image_is_the_zero_frequency():
    kspace = fft2c(torch.ones(9, 12))
    assert kspace[4, 6].real == pytest.approx(np.sqrt(9 * 12), rel=1e-6)
    kspace[4, 6] = 0
    assert kspace.abs().max() < 1e-5


def test_channels_round_trip():
    image = random_complex(2, 5, 7)
    assert to_channels(image).shape == (2, 2, 5, 7)
    assert torch.equal(to_channels(image)[:, 0], image.real)
    assert torch.equal(from_channels(to_channels(image)), image)
    assert torch.equal(from_channels(to_channels(image).contiguous()), image)
