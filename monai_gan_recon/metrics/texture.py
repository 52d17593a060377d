"""Error of fine detail and texture: the high-frequency error norm (HFEN)."""

from __future__ import annotations

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from monai_gan_recon.metrics._inputs import check_pair
from monai_gan_recon.metrics.conventions import HFEN_SIGMA, HFEN_WINDOW


def log_filter(size: int = HFEN_WINDOW, sigma: float = HFEN_SIGMA) -> Tensor:
    """Laplacian-of-Gaussian filter (size, size) of zero sum, as MATLAB's ``fspecial('log', size, sigma)``."""
    x = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    squared = x[:, None].square() + x[None, :].square()
    gaussian = torch.exp(-squared / (2 * sigma**2))
    laplacian = gaussian / gaussian.sum() * (squared - 2 * sigma**2) / sigma**4
    return (laplacian - laplacian.mean()).to(torch.float32)


def hfen(image: Tensor, reference: Tensor) -> Tensor:
    r"""High-frequency error norm of each slice, :math:`\|L(y - x)\|_2 / \|L y\|_2`.

    ``L`` is a Laplacian-of-Gaussian filter of 15×15 pixels, sigma 1.5 (Ravishankar & Bresler, IEEE TMI 2011);
    slices are zero outside. 0 is a perfect rendering of edges and texture.

    Args:
        image: slices (N, 1, H, W).
        reference: slices (N, 1, H, W).

    Returns:
        Shape (N,); NaN where the reference has no detail at all.
    """
    image, reference = check_pair(image, reference)
    error, detail = (
        torch.linalg.vector_norm(_filtered(x), dim=(1, 2, 3)) for x in (reference - image, reference)
    )
    return torch.where(detail > 0, error / detail, torch.nan)


def _filtered(image: Tensor) -> Tensor:
    """Slices (N, 1, H, W) through the filter, same size, zero outside; by FFT, which is faster."""
    border = HFEN_WINDOW // 2
    size = tuple(next_fast_len(n + 2 * border, real=True) for n in image.shape[-2:])
    kernel = torch.fft.rfft2(log_filter().to(image.device), s=size)
    filtered = torch.fft.irfft2(torch.fft.rfft2(image, s=size) * kernel, s=size)
    return filtered[..., border : border + image.shape[-2], border : border + image.shape[-1]]
