"""Frequency loss: Parseval, both modes against a plain FFT, gradients."""

import pytest
import torch

from monai_gan_recon.losses import FREQUENCY_MODES, FrequencyLoss


def images(shape=(2, 1, 9, 12), dtype=torch.float64):
    generator = torch.Generator().manual_seed(3)
    return (torch.rand(2, *shape, generator=generator, dtype=dtype)).unbind()


@pytest.mark.parametrize("size", [(8, 8), (65, 71), (16, 31)])
def test_parseval_complex_mode_is_pixels_times_mse(size):
    pred, target = images((2, 2, *size))
    expected = size[0] * size[1] * (pred - target).square().mean()
    torch.testing.assert_close(FrequencyLoss()(pred, target), expected)


def test_amplitude_mode_against_unnormalised_fft():
    pred, target = images()
    expected = (torch.fft.fft2(pred).abs() - torch.fft.fft2(target).abs()).square().mean()
    torch.testing.assert_close(FrequencyLoss("amplitude")(pred, target), expected)


def test_amplitude_mode_is_blind_to_a_shift():
    pred, _ = images()
    shifted = pred.roll((2, 3), dims=(-2, -1))
    assert FrequencyLoss("amplitude")(shifted, pred).item() == pytest.approx(0.0, abs=1e-20)
    assert FrequencyLoss("complex")(shifted, pred).item() > 1.0


@pytest.mark.parametrize("mode", FREQUENCY_MODES)
def test_gradcheck(mode):
    pred, target = images((2, 1, 4, 5))
    loss = FrequencyLoss(mode)
    assert torch.autograd.gradcheck(lambda p: loss(p, target), (pred.requires_grad_(),))


@pytest.mark.parametrize("mode", FREQUENCY_MODES)
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_gradient_at_identical_images_is_zero(mode, value):
    """A constant image has zero amplitude at all bins but one: the kink of the modulus."""
    pred = torch.full((1, 1, 8, 8), value, requires_grad=True)
    FrequencyLoss(mode)(pred, pred.detach()).backward()
    torch.testing.assert_close(pred.grad, torch.zeros_like(pred))


def test_bfloat16_autocast_keeps_float32():
    pred, target = images((1, 1, 32, 32), torch.float32)
    expected = FrequencyLoss()(pred, target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert FrequencyLoss()(pred, target).item() == pytest.approx(expected.item(), rel=1e-6)


def test_errors():
    pred, target = images()
    with pytest.raises(ValueError, match="unknown mode 'phase'"):
        FrequencyLoss("phase")
    with pytest.raises(ValueError, match="one shape"):
        FrequencyLoss()(pred, target[:1])
