"""The posterior mean: against the dense solution, and its limits."""

from itertools import pairwise

import pytest
import torch

from monai_gan_recon.kspace import from_channels, noise_weight, posterior_mean, sampling_mask, to_channels

SIZES = [(8, 8), (9, 10)]


def problem(size, batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z, zero_filled = (
        torch.randn(batch, 2, *size, dtype=torch.float64, generator=generator) for _ in range(2)
    )
    std = torch.rand(batch, 2, *size, dtype=torch.float64, generator=generator)
    precision = torch.rand(batch, *size, dtype=torch.float64, generator=generator)
    precision = precision * sampling_mask("random", size, 0.5, seed=seed)
    return z, std, zero_filled, precision


def objective(x, z, std, zero_filled, precision, variance):
    """What the posterior mean minimises, of a batch."""
    residual = torch.fft.fftshift(torch.fft.fft2(from_channels(x - zero_filled), norm="ortho"), dim=(-2, -1))
    return (precision * residual.abs().square()).sum() / variance + ((x - z) / std).square().sum()


@pytest.mark.parametrize("size", SIZES)
def test_minimises_the_objective(size):
    z, std, zero_filled, precision = problem(size)
    std = std + 0.1
    x = posterior_mean(z, std, zero_filled, precision, 0.1, iterations=300).clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(x, z, std, zero_filled, precision, 0.1), x)
    assert gradient.abs().max() < 1e-5  # of residuals of order 10


def test_no_uncertainty_keeps_the_prior():
    z, std, zero_filled, precision = problem((8, 8))
    std[:, :, :4] = 0
    x = posterior_mean(z, std, zero_filled, precision, 0.01)
    torch.testing.assert_close(x[:, :, :4], z[:, :, :4], atol=0, rtol=0)
    assert (x[:, :, 4:] - z[:, :, 4:]).abs().max() > 0.1


def test_no_iterations_give_the_prior_mean():
    z, std, zero_filled, precision = problem((8, 8))
    torch.testing.assert_close(posterior_mean(z, std, zero_filled, precision, 0.1, iterations=0), z)


@pytest.mark.parametrize("noise", [0.01, 0.1])
def test_equal_uncertainty_is_soft_data_consistency(noise):
    # one prior deviation for all pixels decouples the samples: the weighted mean of noise_weight, in one step
    from monai_gan_recon.kspace import data_consistency

    z, std, zero_filled, _ = problem((9, 10))
    mask = sampling_mask("random", (9, 10), 0.5, seed=0).double()[None]
    x = posterior_mean(z, torch.full_like(std, 0.05), zero_filled, mask, noise**2, iterations=1)
    expected = data_consistency(
        from_channels(z), from_channels(zero_filled), mask * noise_weight(noise, signal_error=0.05)
    )
    torch.testing.assert_close(x, to_channels(expected))


def test_steps_approach_the_solution():
    z, std, zero_filled, precision = problem((9, 10))
    solution = posterior_mean(z, std, zero_filled, precision, 0.05, iterations=300)
    errors = [
        (posterior_mean(z, std, zero_filled, precision, 0.05, iterations=n) - solution).norm()
        for n in (0, 2, 5, 10, 20)
    ]
    assert all(later < earlier for earlier, later in pairwise(errors))


def test_a_solved_system_stays_solved_and_empty_input_is_finite():
    z, std, _, precision = problem((8, 8))
    torch.testing.assert_close(posterior_mean(z, std, z, precision, 0.1), z)
    empty = torch.zeros(1, 2, 8, 8, requires_grad=True)
    x = posterior_mean(empty, std[:1], empty, precision[:1], 0.1)
    x.sum().backward()
    assert empty.grad is not None
    assert empty.grad.isfinite().all()


def test_gradient():
    z, std, zero_filled, precision = problem((5, 6), batch=1)
    variance = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    inputs = (z.requires_grad_(), std.requires_grad_(), variance)
    assert torch.autograd.gradcheck(
        lambda z, std, v: posterior_mean(z, std, zero_filled, precision, v, iterations=3), inputs
    )
