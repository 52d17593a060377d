"""Measuring a reconstruction again."""

import pytest
import torch

from monai_gan_recon.kspace import fft2c, from_channels, measure_again, noise_weight, sampling_mask


def masks(size, seeds=(0, 1)):
    return torch.stack([sampling_mask("gaussian1d", size, 0.4, seed=s).float() for s in seeds])[:, None]


@pytest.mark.parametrize("size", [(32, 48), (33, 47)])
def test_only_the_masks_samples_are_left(size):
    image, weight = torch.randn(2, 2, *size), masks(size)
    again = measure_again(image, weight)
    wanted = fft2c(from_channels(image)) * weight[:, 0]
    torch.testing.assert_close(fft2c(from_channels(again)), wanted, rtol=0, atol=1e-5)
    torch.testing.assert_close(measure_again(again, weight), again, rtol=0, atol=1e-5)


def test_it_is_its_own_adjoint():
    """<M x, y> = <x, M y>, through the gradient."""
    weight = masks((32, 48))
    x, y = (torch.randn(2, 2, 32, 48, dtype=torch.float64) for _ in range(2))
    x.requires_grad_()
    (measure_again(x, weight.double()) * y).sum().backward()
    torch.testing.assert_close(x.grad, measure_again(y, weight.double()))


def test_the_noise_is_what_the_weight_stands_for():
    torch.manual_seed(0)
    weight = noise_weight(0.05) * torch.ones(1, 1, 128, 128)
    noise = measure_again(torch.zeros(1, 2, 128, 128), weight)
    assert noise.std() == pytest.approx(0.05, rel=0.03)
    assert noise[:, 0].std() == pytest.approx(float(noise[:, 1].std()), rel=0.03)
