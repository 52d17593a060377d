"""A reconstructed volume: where its brain is, and all metrics of its slices."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from monai_gan_recon.metrics.slices import (
    check_brain,
    check_pair,
    hfen,
    mean_in_brain,
    mse,
    nmse,
    plain,
    psnr,
    psnr_brain,
    rmse,
    ssim_map,
)
from monai_gan_recon.simulation.acquisition import FOREGROUND_THRESHOLD


def brain_mask(reference: Tensor) -> Tensor:
    """Brain mask of a volume (N, 1, H, W), slice by slice; of a head with its skull, the head.

    Pixels above 5 % of the volume's maximum, holes filled (ventricles, sinuses); per slice the largest region is
    kept, and any region at least half as large (the two hemispheres at the poles), so that specks of noise drop out.

    Returns:
        Boolean mask (N, 1, H, W), on the reference's device; empty where no pixel is above the threshold.

    Raises:
        ValueError: if the volume is not (N, 1, H, W).
    """
    if reference.ndim != 4 or reference.shape[1] != 1:
        raise ValueError(f"a brain mask needs slices (N, 1, H, W), got {tuple(reference.shape)}")
    volume = plain(reference)
    above = (volume > FOREGROUND_THRESHOLD * volume.max())[:, 0].cpu().numpy()
    regions = np.stack([_main_regions(ndimage.binary_fill_holes(plane)) for plane in above])
    return torch.from_numpy(regions)[:, None].to(volume.device)


def brain_coverage(brain: Tensor) -> Tensor:
    """Fraction of each slice's frame that a brain mask (N, 1, H, W) covers, shape (N,), in [0, 1]."""
    return brain.float().mean(dim=(1, 2, 3))


def image_metrics(image: Tensor, reference: Tensor, brain: Tensor) -> dict[str, Tensor]:
    """Metrics of magnitude slices against their reference.

    Args:
        image: slices (N, 1, H, W); a dozen at a time, the memory is that of some ten copies.
        reference: slices (N, 1, H, W) in [0, 1].
        brain: brain mask (N, 1, H, W).

    Returns:
        ``IMAGE_METRICS`` by name, each (N,) on the CPU.
    """
    image, reference = check_pair(image, reference)
    brain = check_brain(brain, reference)
    similarity = ssim_map(image, reference)
    scores = {
        "psnr": psnr(image, reference),
        "ssim": similarity.mean(dim=(1, 2, 3)),
        "mse": mse(image, reference),
        "rmse": rmse(image, reference),
        "nmse": nmse(image, reference),
        "psnr_brain": psnr_brain(image, reference, brain),
        "ssim_brain": mean_in_brain(similarity, brain),
        "hfen": hfen(image, reference),
    }
    return {name: values.cpu() for name, values in scores.items()}


def _main_regions(plane: np.ndarray) -> np.ndarray:
    """The largest connected region of a boolean slice and those at least half as large."""
    labels, count = ndimage.label(plane)
    if count < 2:
        return plane
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    return (areas >= areas.max() / 2)[labels] & plane
