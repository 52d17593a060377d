"""Metrics of reconstructed slices, each by the conventions of :mod:`monai_gan_recon.metrics.conventions`."""

from monai_gan_recon.metrics.conventions import IMAGE_METRICS, METHODS, METRICS, MIN_FOREGROUND, conventions
from monai_gan_recon.metrics.slices import (
    hfen,
    log_filter,
    mse,
    nmse,
    psnr,
    psnr_brain,
    rmse,
    ssim,
    ssim_brain,
    ssim_map,
)
from monai_gan_recon.metrics.volume import brain_coverage, brain_mask, image_metrics

__all__ = [
    "IMAGE_METRICS",
    "METHODS",
    "METRICS",
    "MIN_FOREGROUND",
    "brain_coverage",
    "brain_mask",
    "conventions",
    "hfen",
    "image_metrics",
    "log_filter",
    "mse",
    "nmse",
    "psnr",
    "psnr_brain",
    "rmse",
    "ssim",
    "ssim_brain",
    "ssim_map",
]
