"""All metrics of a reconstructed volume, slice by slice, a few slices at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_gan_recon.measurement import from_channels, kspace_residual
from monai_gan_recon.metrics._inputs import check_brain, check_pair, plain
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


def residual_metric(image: Tensor, zero_filled: Tensor, mask: Tensor, chunk: int = 16) -> Tensor:
    """Relative k-space residual of each slice on the measured samples.

    Args:
        image: magnitude (1, N, H, W), or real and imaginary part (2, N, H, W).
        zero_filled: real and imaginary part of the zero-filled image (2, N, H, W).
        mask: sampling mask (1, N, H, W), or broadcastable to it.
        chunk: slices scored at a time, which bounds the memory.

    Returns:
        Shape (N,), on the CPU.
    """
    image, zero_filled = plain(image), plain(zero_filled)
    measured = (plain(mask) != 0).expand(1, *zero_filled.shape[1:])
    parts = []
    for x, y, m in zip(
        image.split(chunk, 1), zero_filled.split(chunk, 1), measured.split(chunk, 1), strict=True
    ):
        estimate = from_channels(x.movedim(0, -3)) if len(x) == 2 else x[0]
        parts.append(kspace_residual(estimate, from_channels(y.movedim(0, -3)), m[0]))
    return torch.cat(parts).cpu()


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
