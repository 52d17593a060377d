"""All metrics of a reconstructed volume, slice by slice, a few slices at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_gan_recon.metrics._inputs import check_brain, check_pair
from monai_gan_recon.metrics.error import mse, nmse, psnr, psnr_brain, rmse
from monai_gan_recon.metrics.similarity import mean_in_brain, ssim_map
from monai_gan_recon.metrics.texture import hfen


def image_metrics(image: Tensor, reference: Tensor, brain: Tensor, chunk: int = 16) -> dict[str, Tensor]:
    """Metrics of magnitude slices against their reference.

    Args:
        image: slices (N, 1, H, W).
        reference: slices (N, 1, H, W) in [0, 1].
        brain: brain mask (N, 1, H, W).
        chunk: slices scored at a time, which bounds the memory.

    Returns:
        ``IMAGE_METRICS`` by name, each (N,) on the CPU.
    """
    image, reference = check_pair(image, reference)
    brain = check_brain(brain, reference)
    parts = [
        _scores(*x) for x in zip(image.split(chunk), reference.split(chunk), brain.split(chunk), strict=True)
    ]
    return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}


def _scores(image: Tensor, reference: Tensor, brain: Tensor) -> dict[str, Tensor]:
    similarity = ssim_map(image, reference)
    return {
        "psnr": psnr(image, reference),
        "ssim": similarity.mean(dim=(1, 2, 3)),
        "mse": mse(image, reference),
        "rmse": rmse(image, reference),
        "nmse": nmse(image, reference),
        "psnr_brain": psnr_brain(image, reference, brain),
        "ssim_brain": mean_in_brain(similarity, brain),
        "hfen": hfen(image, reference),
    }
