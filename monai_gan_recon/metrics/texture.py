"""Error of fine detail and texture: the high-frequency error norm (HFEN)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

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
    kernel = log_filter().to(reference.device)[None, None]
    error, detail = (
        torch.linalg.vector_norm(F.conv2d(x, kernel, padding=HFEN_WINDOW // 2), dim=(1, 2, 3))
        for x in (reference - image, reference)
    )
    return torch.where(detail > 0, error / detail, torch.nan)
