"""Data consistency is exact where it is hard, and the least-squares mean where it is soft."""

import pytest
import torch

from monai_gan_recon.kspace import (
    ForwardModel,
    data_consistency,
    fft2c,
    kspace_residual,
    noise_weight,
    sampling_mask,
)

SIZES = [(32, 32), (33, 46), (65, 71)]


def problem(size, dtype=torch.complex128):
    generator = torch.Generator().manual_seed(0)
    truth, estimate = (torch.randn(2, *size, dtype=dtype, generator=generator) for _ in range(2))
    mask = sampling_mask("gaussian1d", size, 0.3, seed=0)
    model = ForwardModel(mask)
    return model.adjoint(model(truth)), estimate, mask


@pytest.mark.parametrize("size", SIZES)
def test_hard_keeps_measured_and_estimated(size):
    zero_filled, estimate, mask = problem(size)
    result = fft2c(data_consistency(estimate, zero_filled, mask.double()))
    torch.testing.assert_close(result[:, mask], fft2c(zero_filled)[:, mask])
    torch.testing.assert_close(result[:, ~mask], fft2c(estimate)[:, ~mask])


def test_hard_in_float32_is_within_the_promised_residual():
    zero_filled, estimate, mask = problem((256, 256), torch.complex64)
    result = data_consistency(estimate, zero_filled, mask.float())
    assert kspace_residual(result, zero_filled, mask).max() < 1e-5
    assert kspace_residual(estimate, zero_filled, mask).min() > 0.5


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_soft_is_the_weighted_mean(weight):
    zero_filled, estimate, mask = problem((32, 32))
    result = fft2c(data_consistency(estimate, zero_filled, weight * mask.double()))
    expected = weight * fft2c(zero_filled) + (1 - weight) * fft2c(estimate)
    torch.testing.assert_close(result[:, mask], expected[:, mask])


def test_idempotent():
    zero_filled, estimate, mask = problem((32, 34))
    once = data_consistency(estimate, zero_filled, mask.double())
    torch.testing.assert_close(data_consistency(once, zero_filled, mask.double()), once)


def test_gradient():
    zero_filled, estimate, mask = problem((8, 9))
    weight = 0.5 * mask.double()
    assert torch.autograd.gradcheck(
        lambda e: data_consistency(e, zero_filled, weight), estimate.requires_grad_()
    )


def test_noise_weight():
    assert noise_weight(0.0) == 1.0
    assert noise_weight(0.02, signal_error=0.02) == pytest.approx(0.5)
    assert noise_weight(0.1) < noise_weight(0.05)
    with pytest.raises(ValueError, match="noise_level"):
        noise_weight(-1.0)
