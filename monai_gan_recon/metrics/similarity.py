"""Structural similarity (SSIM) of slices, whole and inside the brain."""

from __future__ import annotations

import torch
from monai.metrics.regression import compute_ssim_and_cs
from torch import Tensor

from monai_gan_recon.metrics._inputs import check_brain, check_pair
from monai_gan_recon.metrics.conventions import DATA_RANGE, SSIM_SIGMA, SSIM_WINDOW


def ssim_map(image: Tensor, reference: Tensor) -> Tensor:
    """SSIM at each pixel whose window lies inside the slice (Wang et al. 2004, eq. 13), MONAI's defaults.

    Args:
        image: slices (N, 1, H, W).
        reference: slices (N, 1, H, W) in [0, 1].

    Returns:
        Shape (N, 1, H - 10, W - 10), values in [-1, 1].

    Raises:
        ValueError: if a slice is smaller than the window of 11 pixels.
    """
    image, reference = check_pair(image, reference)
    if min(image.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(
            f"SSIM needs slices of at least {SSIM_WINDOW}x{SSIM_WINDOW} pixels, got {tuple(image.shape[-2:])}"
        )
    channels = (x.transpose(0, 1) for x in (image, reference))  # slices as channels: a faster convolution
    similarity: Tensor = compute_ssim_and_cs(
        *channels, 2, (SSIM_WINDOW, SSIM_WINDOW), (SSIM_SIGMA, SSIM_SIGMA), DATA_RANGE
    )[0]
    return similarity.transpose(0, 1)


def ssim(image: Tensor, reference: Tensor) -> Tensor:
    """SSIM of each slice (N, 1, H, W), the mean of its map as in MONAI's SSIMMetric, shape (N,)."""
    return ssim_map(image, reference).mean(dim=(1, 2, 3))


def ssim_brain(image: Tensor, reference: Tensor, brain: Tensor) -> Tensor:
    """SSIM map averaged over the brain mask (N, 1, H, W); NaN for slices without brain, shape (N,)."""
    return mean_in_brain(ssim_map(image, reference), brain)


def mean_in_brain(similarity: Tensor, brain: Tensor) -> Tensor:
    """Mean of an SSIM map (N, 1, H - 10, W - 10) over the brain mask (N, 1, H, W), shape (N,)."""
    border = SSIM_WINDOW // 2
    inside = check_brain(brain[..., border:-border, border:-border], similarity)
    return torch.where(inside, similarity, 0).sum(dim=(1, 2, 3)) / inside.sum(dim=(1, 2, 3))
