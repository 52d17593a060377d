"""Metrics of reconstructed slices, each by the conventions of :mod:`monai_gan_recon.metrics.conventions`."""

from monai_gan_recon.metrics.brain import brain_coverage, brain_mask
from monai_gan_recon.metrics.conventions import IMAGE_METRICS, METHODS, METRICS, MIN_FOREGROUND, conventions
from monai_gan_recon.metrics.error import mse, nmse, psnr, psnr_brain, rmse
from monai_gan_recon.metrics.similarity import ssim, ssim_brain, ssim_map
from monai_gan_recon.metrics.texture import hfen, log_filter
from monai_gan_recon.metrics.volume import image_metrics

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
