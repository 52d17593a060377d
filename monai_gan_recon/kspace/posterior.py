"""Data consistency as statistics: the posterior mean of an image that is known to be likely only in some places."""

from __future__ import annotations

import torch

from monai_gan_recon.kspace.fourier import from_channels, to_channels


def posterior_mean(
    prior_mean: torch.Tensor,
    prior_std: torch.Tensor,
    zero_filled: torch.Tensor,
    precision: torch.Tensor,
    noise_variance: torch.Tensor | float,
    iterations: int = 5,
    eps: float = 1e-12,
) -> torch.Tensor:
    r"""Posterior mean of an image under a Gaussian prior of every pixel, given noisy k-space samples.

    Minimises :math:`\sum_k q_k |F(x - x_{zf})|_k^2 / \sigma^2 + \sum_i (x - z)_i^2 / d_i^2` over the real and
    imaginary parts of ``x``. This is the regularised least squares of MoDL (Aggarwal et al. 2019, eq. 7) with a
    regularisation of its own for every pixel (Kofler et al. 2023): where ``d`` is 0 the image is ``z``, for instance
    empty background, and the measured samples must be explained by the other pixels. That is what recovers lines
    which were not measured.

    With :math:`x = z + d u` the system becomes :math:`(d F^H q F d + \sigma^2) u = d F^H q F (x_{zf} - z)`, which stays
    well conditioned at ``d = 0`` and is solved by conjugate gradients from ``u = 0``.

    Args:
        prior_mean: z as real and imaginary part, shape (B, 2, H, W).
        prior_std: d of the real and imaginary parts, at least 0, shape (B, 2, H, W).
        zero_filled: zero-filled image of the measured samples, shape (B, 2, H, W).
        precision: precision q of every k-space sample relative to the best ones, in [0, 1], centred, shape
            (B, H, W): 0 not measured.
        noise_variance: variance of the samples of precision 1, above 0: a number or a tensor with one element.
        iterations: conjugate gradient steps; 0 returns the prior mean.
        eps: lower bound of the divisors; a solved system stays solved.

    Returns:
        Real and imaginary part, shape (B, 2, H, W).
    """
    shifted = torch.fft.ifftshift(precision, dim=(-2, -1))

    def normal(x: torch.Tensor) -> torch.Tensor:  # F^H q F; circular shifts of the image commute with it
        return torch.view_as_real(torch.fft.ifft2(torch.fft.fft2(torch.view_as_complex(x)) * shifted))

    z, std = prior_mean.movedim(-3, -1).contiguous(), prior_std.movedim(-3, -1).contiguous()
    residual = std * normal(torch.view_as_real(from_channels(zero_filled)) - z)
    solution, direction = torch.zeros_like(residual), residual
    power = _inner(residual, residual)
    for _ in range(iterations):
        image = std * normal(std * direction) + noise_variance * direction
        step = power / _inner(direction, image).clamp_min(eps)
        solution = torch.addcmul(solution, step, direction)
        residual = torch.addcmul(residual, step, image, value=-1)
        previous, power = power, _inner(residual, residual)
        direction = torch.addcmul(residual, power / previous.clamp_min(eps), direction)
    return to_channels(torch.view_as_complex(torch.addcmul(z, std, solution)))


def _inner(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).sum(dim=(1, 2, 3), keepdim=True)
