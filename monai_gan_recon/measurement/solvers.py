r"""Data consistency: the image that agrees with a measurement and with what else is known of it.

Everything here is written on :math:`A^H y` and :math:`A^H A` (:func:`~monai_gan_recon.measurement.operators.gram`), in
real and imaginary parts, and compiles with TorchScript.
"""

from __future__ import annotations

import torch

from monai_gan_recon.measurement.operators import NormalOperator, gram, gram_real


def posterior_mean(
    prior_mean: torch.Tensor,
    prior_std: torch.Tensor,
    adjoint: torch.Tensor,
    normal: NormalOperator,
    noise_variance: torch.Tensor,
    iterations: int = 5,
) -> torch.Tensor:
    r"""Posterior mean of an image under a Gaussian prior of every pixel, given noisy k-space, by truncated CG.

    Minimises :math:`\|A x - y\|^2 / \sigma^2 + \sum_i (x - z)_i^2 / d_i^2` over the real and imaginary parts of ``x``:
    the regularised least squares of MoDL (Aggarwal et al. 2019, eq. 7) with a regularisation of its own for every pixel
    (Kofler et al. 2023). Where ``d`` is 0 the image is ``z``, for instance empty background, and the measured samples
    must be explained by the other pixels. That is what recovers lines which were not measured.

    With :math:`x = z + d u` the system becomes :math:`(d A^H A d + \sigma^2) u = d (A^H y - A^H A z)`, which stays well
    conditioned at ``d = 0`` and is solved by conjugate gradients from ``u = 0``. Few steps leave it unsolved: after 5
    the result is typically a fifth of the way off on random problems. Networks are trained with the steps they use.

    Args:
        prior_mean: z as real and imaginary part, (B, 2, H, W).
        prior_std: d of the real and imaginary parts, at least 0, broadcastable to (B, 2, H, W).
        adjoint: :math:`A^H y` as real and imaginary part, (B, 2, H, W).
        normal: :math:`A^H A`, see :func:`~monai_gan_recon.measurement.operators.normal_operator`.
        noise_variance: :math:`\sigma^2` of each of the real and imaginary parts, broadcastable to (B, 1, 1, 1).
        iterations: conjugate gradient steps; 0 returns the prior mean.

    Returns:
        Real and imaginary part, (B, 2, H, W).
    """
    z = prior_mean.movedim(-3, -1).contiguous()
    std = prior_std.expand_as(prior_mean).movedim(-3, -1).contiguous()
    rhs = adjoint.movedim(-3, -1)
    residual = std * (rhs - gram_real(z, normal))
    solved = 1e-12 * _power(std * rhs)  # below it, rounding errors alone are left: no more steps
    solution, direction = torch.zeros_like(residual), residual
    power = _power(residual)
    for _ in range(iterations):
        image = torch.addcmul(std * gram_real(std * direction, normal), direction, noise_variance)
        step = power / _inner(direction, image).clamp_min(1e-30) * (power > solved)
        solution = torch.addcmul(solution, step, direction)
        residual = torch.addcmul(residual, step, image, value=-1.0)
        previous = power
        power = _power(residual)
        direction = torch.addcmul(residual, power / previous.clamp_min(1e-30), direction)
    return torch.addcmul(z, std, solution).movedim(-1, -3)


def data_consistency(
    estimate: torch.Tensor,
    adjoint: torch.Tensor,
    normal: NormalOperator,
    noise_variance: torch.Tensor,
    prior_variance: torch.Tensor,
    iterations: int = 8,
) -> torch.Tensor:
    r"""Move an image towards the measured samples, as far as their noise allows.

    The posterior mean under a prior of one standard deviation for all pixels. For one coil of sensitivity 1 or
    ``exp(i phase)``, :math:`A^H A` is a projection and the solution is exact, sample by sample: the measured one and
    the estimate's, weighted by their variances (Schlemper et al. 2018, eq. 7); without noise measured samples are
    replaced. For several coils it is solved by conjugate gradients, which leave a part of the residual: at R = 2 to 4
    the default of 8 steps leaves 0.001 to 0.03 of the measurement's norm of an image that is 5 % off.

    Args:
        estimate: real and imaginary part, (B, 2, H, W).
        adjoint: :math:`A^H y` as real and imaginary part, (B, 2, H, W).
        normal: :math:`A^H A`.
        noise_variance: of each of the real and imaginary parts, broadcastable to (B, 1, 1, 1).
        prior_variance: of the estimate, above 0, in the same units.
        iterations: conjugate gradient steps of several coils.

    Returns:
        Real and imaginary part, (B, 2, H, W).
    """
    maps = normal.maps
    if maps is None or maps.shape[-3] == 1:
        correction = adjoint - gram_real(estimate.movedim(-3, -1).contiguous(), normal).movedim(-1, -3)
        return estimate + correction * (prior_variance / (prior_variance + noise_variance))
    std = prior_variance.sqrt()
    return posterior_mean(estimate, std, adjoint, normal, noise_variance, iterations)


def kspace_residual(image: torch.Tensor, adjoint: torch.Tensor, normal: NormalOperator) -> torch.Tensor:
    r"""Relative residual of the normal equations, :math:`\|A^H A x - A^H y\|_2 / \|A^H y\|_2`.

    For one coil that is the residual on the measured samples, relative to their norm.

    Args:
        image: complex (B, H, W).
        adjoint: :math:`A^H y`, complex (B, H, W).
        normal: :math:`A^H A`.

    Returns:
        One number an image, (B,).
    """
    difference = torch.linalg.vector_norm(gram(image, normal) - adjoint, dim=(-2, -1))
    return difference / torch.linalg.vector_norm(adjoint, dim=(-2, -1)).clamp_min(1e-12)


def _power(a: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(a, dim=(1, 2, 3), keepdim=True).square()


def _inner(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).sum(dim=(1, 2, 3), keepdim=True)
