"""Frequency loss: Parseval, the three modes against a plain FFT, gradients."""

import pytest
import torch

from monai_gan_recon.losses import FREQUENCY_MODES, FrequencyLoss


def images(shape=(2, 1, 9, 12), dtype=torch.float64):
    generator = torch.Generator().manual_seed(3)
    return (torch.rand(2, *shape, generator=generator, dtype=dtype)).unbind()


def mask(shape=(2, 1, 9, 12), dtype=torch.float64):
    """Columns: a measured block around the centre, one column trusted by half."""
    columns = torch.zeros(shape, dtype=dtype)
    centre = shape[-1] // 2
    columns[..., centre - 1 : centre + 2] = 1
    columns[..., centre + 2] = 0.5
    return columns


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


def test_unmeasured_mode_is_a_weighted_mean():
    pred, target = images()
    weight = mask() + 4 * (1 - mask())
    power = torch.fft.fftshift(torch.fft.fft2(pred - target), dim=(-2, -1)).abs().square()
    expected = ((weight * power).sum((1, 2, 3)) / weight.sum((1, 2, 3))).mean()
    torch.testing.assert_close(FrequencyLoss("unmeasured", 4.0)(pred, target, mask()), expected)
    row = mask()[:1, :, :1]  # the same columns, broadcast
    torch.testing.assert_close(FrequencyLoss("unmeasured", 4.0)(pred, target, row), expected)


def test_unmeasured_mode_without_preference_is_complex():
    pred, target = images()
    expected = FrequencyLoss()(pred, target)
    torch.testing.assert_close(FrequencyLoss("unmeasured", 1.0)(pred, target, mask()), expected)
    everything = torch.ones_like(pred)
    torch.testing.assert_close(FrequencyLoss("unmeasured", 10.0)(pred, target, everything), expected)


def test_unmeasured_mode_sees_only_the_lines_that_were_not_measured():
    """An error of one cosine: at its own frequency it counts, elsewhere it does not."""
    x = torch.arange(16, dtype=torch.float64)
    error = torch.cos(2 * torch.pi * 3 * x / 16).expand(1, 1, 16, 16)
    target = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    loss = FrequencyLoss("unmeasured", 1e-12)  # hardly any weight: what is left is the measured error
    lines = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    lines[..., [8 - 3, 8 + 3]] = 1
    assert loss(error, target, lines).item() == pytest.approx((16 * 16 / 2) ** 2 * 2 / 32)
    assert loss(error, target, 1 - lines).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("mode", FREQUENCY_MODES)
def test_gradcheck(mode):
    pred, target = images((2, 1, 4, 5))
    loss = FrequencyLoss(mode)
    assert torch.autograd.gradcheck(lambda p: loss(p, target, mask((2, 1, 4, 5))), (pred.requires_grad_(),))


@pytest.mark.parametrize("mode", FREQUENCY_MODES)
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_gradient_at_identical_images_is_zero(mode, value):
    """A constant image has zero amplitude at all bins but one: the kink of the modulus."""
    pred = torch.full((1, 1, 8, 8), value, requires_grad=True)
    FrequencyLoss(mode)(pred, pred.detach(), torch.ones(1, 1, 1, 8)).backward()
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
    with pytest.raises(ValueError, match="must be positive"):
        FrequencyLoss("unmeasured", 0.0)
    with pytest.raises(ValueError, match="needs the sampling mask"):
        FrequencyLoss("unmeasured")(pred, target)
    for bad in (mask()[..., :-1], mask()[0]):
        with pytest.raises(ValueError, match="does not fit"):
            FrequencyLoss("unmeasured")(pred, target, bad)
    with pytest.raises(ValueError, match="one shape"):
        FrequencyLoss()(pred, target[:1])
