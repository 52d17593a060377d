"""The posterior mean: against dense linear algebra, its statistics and its limits."""

import pytest
import torch
from dense_problems import chi_squared, complex_randn, dense, operator_of, real_form

from monai_gan_recon.measurement import from_channels, posterior_mean, to_channels

SIZE = (16, 16)
MANY = 400


def prior(batch=1, seed=0):
    """Prior mean and standard deviations, a quarter of them zero, of the real and imaginary parts."""
    generator = torch.Generator().manual_seed(seed)
    mean = torch.randn(batch, 2, *SIZE, dtype=torch.float64, generator=generator)
    std = torch.rand(1, 2, *SIZE, dtype=torch.float64, generator=generator) * (
        torch.rand(1, 2, *SIZE, generator=generator) > 0.25
    )
    return mean, std.to(torch.float64)


def stacked(image):
    """Real parts, then imaginary parts, one vector an image."""
    return torch.cat((image.real.flatten(1), image.imag.flatten(1)), dim=1)


@pytest.mark.parametrize("kind", ["columns", "points"])
@pytest.mark.parametrize("sigma", [0.3, 0.03])
@pytest.mark.parametrize("coils", [0, 1, 3])
def test_equals_a_dense_solution(coils, sigma, kind):
    operator = operator_of(coils, kind, SIZE)
    mean, std = prior()
    y = operator.forward(complex_randn(1, *SIZE, dtype=torch.complex128, seed=3))
    y = y + sigma * complex_randn(*y.shape, dtype=torch.complex128, seed=4) * operator.mask
    found = posterior_mean(mean, std, to_channels(operator.adjoint(y)), operator.normal, torch.tensor(sigma**2), MANY)

    a, d = real_form(dense(operator, SIZE)), std.flatten()
    gain = torch.linalg.solve(a * d**2 @ a.T + sigma**2 * torch.eye(len(a), dtype=a.dtype), a * d**2).T
    innovation = stacked(y)[0] - a @ mean.flatten()
    wanted = mean.flatten() + gain @ innovation
    assert (found.flatten() - wanted).norm() < 1e-4 * wanted.norm()
    few = posterior_mean(mean, std, to_channels(operator.adjoint(y)), operator.normal, torch.tensor(sigma**2))
    assert (few.flatten() - wanted).norm() < (mean.flatten() - wanted).norm()


@pytest.mark.parametrize("coils", [0, 2])
def test_chi_squared_under_the_true_prior(coils):
    r"""Images drawn from the prior: its expectation is 1 - tr(A P A^T) / (2 n sigma^2), P the posterior covariance.

    The residual y - A x_post is sigma^2 S^-1 (y - A z) with S = A D A^T + sigma^2, so that its covariance is
    sigma^4 S^-1 = sigma^2 - A P A^T on the 2 n real samples.
    """
    draws, sigma = 200, 0.2
    operator = operator_of(coils, "columns", SIZE)
    mean, std = prior()
    generator = torch.Generator().manual_seed(1)
    truth = mean + std * torch.randn(draws, 2, *SIZE, dtype=torch.float64, generator=generator)
    noise = 2**0.5 * sigma * complex_randn(draws, max(coils, 1), *SIZE, dtype=torch.complex128, seed=2)
    y = operator.forward(from_channels(truth)) + noise * operator.mask

    found = posterior_mean(
        mean.expand(draws, -1, -1, -1),
        std,
        to_channels(operator.adjoint(y)),
        operator.normal,
        torch.tensor(sigma**2),
        100,
    )
    difference = operator.forward(from_channels(found)) - y
    chi = chi_squared(difference, operator.mask, sigma).mean().item()

    a, d = real_form(dense(operator, SIZE)), std.flatten()
    inner = torch.eye(d.numel(), dtype=a.dtype) + (d[:, None] * (a.T @ a) * d) / sigma**2
    posterior = d[:, None] * torch.linalg.inv(inner) * d
    samples = 2 * max(coils, 1) * int(operator.mask.sum())
    expected = 1 - torch.trace(a @ posterior @ a.T).item() / (samples * sigma**2)
    assert expected < 0.9  # the posterior mean fits better than the truth does
    assert chi == pytest.approx(expected, rel=0.02)
    errors = (found - truth).flatten(1).square().sum(1).mean().item()
    assert errors == pytest.approx(torch.trace(posterior).item(), rel=0.05)


def test_no_uncertainty_keeps_the_prior():
    operator = operator_of(2, "points", SIZE)
    mean, std = prior()
    adjoint = to_channels(operator.adjoint(operator.forward(complex_randn(1, *SIZE, dtype=torch.complex128))))
    found = posterior_mean(mean, std, adjoint, operator.normal, torch.tensor(0.01))
    assert torch.equal(found[std == 0], mean[std == 0])
    assert (found - mean)[std > 0.1].abs().max() > 0.1
    assert torch.equal(posterior_mean(mean, std, adjoint, operator.normal, torch.tensor(0.01), iterations=0), mean)


def test_an_image_that_fits_stays_and_an_empty_one_is_finite():
    operator = operator_of(0, "columns", SIZE)
    mean, std = prior()
    fits = to_channels(operator.gram(from_channels(mean)))
    torch.testing.assert_close(posterior_mean(mean, std, fits, operator.normal, torch.tensor(0.1)), mean)
    empty = torch.zeros(1, 2, *SIZE, requires_grad=True)
    found = posterior_mean(empty, std.float(), empty, operator.normal, torch.tensor(0.0))
    found.sum().backward()
    assert torch.equal(found, torch.zeros_like(found))
    assert empty.grad.isfinite().all()


@pytest.mark.parametrize("coils", [0, 2])
def test_gradient(coils):
    operator = operator_of(coils, "points", (5, 6))
    generator = torch.Generator().manual_seed(0)
    mean, std, adjoint = (torch.rand(1, 2, 5, 6, dtype=torch.float64, generator=generator) for _ in range(3))
    variance = torch.tensor(0.1, dtype=torch.float64)
    inputs = tuple(x.requires_grad_() for x in (mean, std, adjoint, variance))
    assert torch.autograd.gradcheck(
        lambda z, d, a, v: posterior_mean(z, d, a, operator.normal, v, iterations=3), inputs
    )
