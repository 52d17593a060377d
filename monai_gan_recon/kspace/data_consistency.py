"""Data consistency: put what the scanner measured back into an estimate."""

from __future__ import annotations

import torch

SIGNAL_ERROR = 0.02
"""Expected error of a prediction that noisy samples are weighed against, in units of the intensity range."""


def data_consistency(estimate: torch.Tensor, zero_filled: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    r"""Move the k-space of an estimate towards the measured samples, each by its weight.

    :math:`x + F^H W (F x_{zf} - F x)`. Weight 1 replaces the sample (hard data consistency, Schlemper et al. 2018,
    eq. 7 for :math:`\lambda \to \infty`), 0 leaves the estimate, a value between is the soft form for noisy samples
    (see :func:`noise_weight`). ``W`` is diagonal in k-space, hence commutes with circular shifts of the image, so
    that no centring shift of the images is needed.

    Args:
        estimate: complex image, shape (B, H, W).
        zero_filled: zero-filled complex image of the measured samples, shape (B, H, W).
        weight: weight of each k-space sample in [0, 1], centred, broadcastable to (B, H, W).

    Returns:
        Complex image, shape (B, H, W).
    """
    correction = torch.fft.fft2(zero_filled - estimate) * torch.fft.ifftshift(weight, dim=(-2, -1))
    return estimate + torch.fft.ifft2(correction)


def noise_weight(noise_level: float, signal_error: float = SIGNAL_ERROR) -> float:
    r"""Weight of a measured sample whose noise is known: :math:`\tau^2 / (\tau^2 + \sigma^2)`.

    The least-squares mean of a measurement with standard deviation ``noise_level`` and a prediction with standard
    deviation ``signal_error``. Without noise it is 1: hard data consistency.

    Args:
        noise_level: standard deviation of the noise of each of the real and imaginary parts, in the image's units
            (the orthonormal transform makes it the same in k-space), at least 0.
        signal_error: expected error of the prediction in the same units, above 0.

    Raises:
        ValueError: if ``noise_level`` is negative or ``signal_error`` is not positive.
    """
    if noise_level < 0 or signal_error <= 0:
        raise ValueError(
            f"noise_level must be >= 0 and signal_error > 0, got {noise_level} and {signal_error}"
        )
    return signal_error**2 / (signal_error**2 + noise_level**2)


def kspace_residual(
    image: torch.Tensor, zero_filled: torch.Tensor, mask: torch.Tensor, eps: float = 1e-12
) -> torch.Tensor:
    r"""Relative residual on the measured samples, :math:`\|M F (x - x_{zf})\|_2 / \|M F x_{zf}\|_2`.

    Args:
        image: real or complex image, shape (..., H, W).
        zero_filled: zero-filled complex image of the measured samples, shape (..., H, W).
        mask: sampling mask, centred, broadcastable to (..., H, W); non-zero = measured.
        eps: lower bound of the denominator.

    Returns:
        Residual per image, shape (...).
    """
    measured = torch.fft.ifftshift(mask != 0, dim=(-2, -1))
    difference = torch.fft.fft2(image - zero_filled, norm="ortho") * measured
    reference = torch.fft.fft2(zero_filled, norm="ortho") * measured
    norms = [torch.linalg.vector_norm(k, dim=(-2, -1)) for k in (difference, reference)]
    return norms[0] / norms[1].clamp_min(eps)
