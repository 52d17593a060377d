"""Pixel-wise errors of slices: MSE, RMSE, NMSE, PSNR."""

from __future__ import annotations

import torch
from monai.metrics.regression import MSEMetric, PSNRMetric, RMSEMetric
from torch import Tensor

from monai_gan_recon.metrics._inputs import check_brain, check_pair
from monai_gan_recon.metrics.conventions import DATA_RANGE, PSNR_CAP


def mse(image: Tensor, reference: Tensor) -> Tensor:
    """Mean squared error of each slice (N, 1, H, W), shape (N,)."""
    return MSEMetric(reduction="none")(*check_pair(image, reference))[:, 0]


def rmse(image: Tensor, reference: Tensor) -> Tensor:
    """Root of the mean squared error of each slice (N, 1, H, W), shape (N,)."""
    return RMSEMetric(reduction="none")(*check_pair(image, reference))[:, 0]


def nmse(image: Tensor, reference: Tensor) -> Tensor:
    r"""Normalised squared error of each slice, :math:`\|y - x\|_2^2 / \|y\|_2^2` (fastMRI), shape (N,).

    NaN where the reference is zero everywhere.
    """
    image, reference = check_pair(image, reference)
    error = (reference - image).square().sum(dim=(1, 2, 3))
    energy = reference.square().sum(dim=(1, 2, 3))
    return torch.where(energy > 0, error / energy, torch.nan)


def psnr(image: Tensor, reference: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each slice in dB, data range 1, at most 100 dB, shape (N,)."""
    return PSNRMetric(DATA_RANGE, reduction="none")(*check_pair(image, reference))[:, 0].clamp_max(PSNR_CAP)


def psnr_brain(image: Tensor, reference: Tensor, brain: Tensor) -> Tensor:
    """PSNR in dB of the brain's pixels only: a zero background does not flatter it.

    Args:
        image: slices (N, 1, H, W).
        reference: slices (N, 1, H, W) in [0, 1].
        brain: brain mask (N, 1, H, W).

    Returns:
        Shape (N,), at most 100 dB; NaN for slices without brain.
    """
    image, reference = check_pair(image, reference)
    inside = check_brain(brain, reference)
    error = ((reference - image).square() * inside).sum(dim=(1, 2, 3)) / inside.sum(dim=(1, 2, 3))
    return (-10 * torch.log10(error / DATA_RANGE**2)).clamp_max(PSNR_CAP)
