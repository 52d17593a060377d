"""Centred, orthonormal 2-D Fourier transforms of complex images."""

from __future__ import annotations

import math

import torch
from monai.data.fft_utils import fftn_centered, ifftn_centered


def fft2c(image: torch.Tensor) -> torch.Tensor:
    """Image to k-space (..., H, W), complex, zero frequency at index ``n // 2`` of both axes; of the same 2-norm."""
    kspace: torch.Tensor = fftn_centered(torch.view_as_real(_as_complex(image)), spatial_dims=2)
    return torch.view_as_complex(kspace.contiguous())


def ifft2c(kspace: torch.Tensor) -> torch.Tensor:
    """k-space to complex image (..., H, W), the inverse and the adjoint of :func:`fft2c`."""
    image: torch.Tensor = ifftn_centered(torch.view_as_real(_as_complex(kspace)), spatial_dims=2)
    return torch.view_as_complex(image.contiguous())


def _as_complex(x: torch.Tensor) -> torch.Tensor:
    return x if x.is_complex() else x.to(torch.complex128 if x.dtype == torch.float64 else torch.complex64)


def to_channels(image: torch.Tensor) -> torch.Tensor:
    """Complex image (..., H, W) to two real channels (..., 2, H, W): real part, imaginary part.

    A view, without a copy; of a batch it is in channels-last memory format.
    """
    return torch.view_as_real(image).movedim(-1, -3)


def magnitude(channels: torch.Tensor) -> torch.Tensor:
    """Magnitude (..., 1, H, W) of real and imaginary part (..., 2, H, W); its gradient at 0 is 0."""
    return from_channels(channels).abs().unsqueeze(-3)


def from_channels(channels: torch.Tensor) -> torch.Tensor:
    """Two real channels (..., 2, H, W) to a complex image (..., H, W); the inverse of :func:`to_channels`."""
    return torch.view_as_complex(channels.movedim(-3, -1).contiguous())


def real_fourier_matrix(n: int, device: torch.device) -> torch.Tensor:
    """Orthonormal Fourier matrix of size n, zero frequency first, as a real one of real and imaginary parts in turn.

    For exported models, whose formats have few complex operations; elsewhere the fast transform is the better one.

    Returns:
        Orthogonal (2 n, 2 n), float32: a row vector of n complex numbers times it is their transform, and times its
        transpose the inverse transform.
    """
    x = torch.arange(n, device=device)
    angle = (torch.outer(x, x) % n).to(torch.float32) * (2 * math.pi / n)
    cos, sin = angle.cos(), angle.sin()
    parts = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), 1)
    return parts.reshape(2 * n, 2 * n) / n**0.5


def transform_real(x: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Transform both axes of real and imaginary part (..., H, W, 2) by matrices of :func:`real_fourier_matrix`."""
    x = (x.flatten(-2) @ columns).unflatten(-1, (-1, 2)).transpose(-3, -2)
    return (x.flatten(-2) @ rows).unflatten(-1, (-1, 2)).transpose(-3, -2)
