"""The conventions of every number we report, in one place."""

from __future__ import annotations

from monai_gan_recon.simulation.acquisition import FOREGROUND_THRESHOLD

DATA_RANGE = 1.0
"""Range of the images: Min-Max per volume gives [0, 1]; estimates are not clipped to it."""

SSIM_WINDOW = 11
"""Side of the SSIM's Gaussian window in pixels (MONAI's SSIMMetric, Wang et al. 2004)."""

SSIM_SIGMA = 1.5
"""Standard deviation of the SSIM's window in pixels."""

PSNR_CAP = 100.0
"""PSNR in dB of identical images (really infinite, which neither an average nor JSON can hold)."""

HFEN_WINDOW = 15
"""Side of the HFEN's Laplacian-of-Gaussian filter in pixels (Ravishankar & Bresler 2011)."""

HFEN_SIGMA = 1.5
"""Standard deviation of the HFEN's filter in pixels."""

MIN_FOREGROUND = 0.1
"""Published protocol: only slices whose brain covers at least this fraction of the frame count."""

CONFIDENCE = 0.95
"""Level of the confidence interval over people (Student's t)."""

IMAGE_METRICS = ("psnr", "ssim", "mse", "rmse", "nmse", "psnr_brain", "ssim_brain", "hfen")
"""Metrics of a magnitude image against its reference, per slice."""

METRICS = (*IMAGE_METRICS, "kspace_residual", "kspace_residual_complex", "chi_squared", "seconds_per_slice")
"""All metrics of a result, in the order of tables and files."""

METHODS = ("zero_filled", "reconstruction")
"""The two methods each result is given for."""


def conventions() -> dict[str, object]:
    """The conventions as they stand in every ``metrics.json``."""
    return {
        "intensity": "Min-Max per volume to [0, 1]; estimates not clipped",
        "data_range": DATA_RANGE,
        "ssim": {"window": "gaussian", "size": SSIM_WINDOW, "sigma": SSIM_SIGMA, "k1": 0.01, "k2": 0.03},
        "ssim_border": "windows entirely inside the slice",
        "psnr_cap_db": PSNR_CAP,
        "nmse": "squared norm of the error over squared norm of the reference",
        "hfen": {"filter": "Laplacian of Gaussian", "size": HFEN_WINDOW, "sigma": HFEN_SIGMA},
        "brain": "pixels above the threshold; per slice the largest filled region and regions half as large",
        "brain_threshold": FOREGROUND_THRESHOLD,
        "kspace_residual": "relative residual of the delivered magnitude image on the measured samples",
        "kspace_residual_complex": "the same of the complex estimate, before the magnitude is taken",
        "chi_squared": "squared residual of the complex estimate over the noise's variance, a measured sample",
        "averaging": "slice, then person, then data set",
        "ci95": "half width of the 95 % confidence interval over people (Student's t); null for one person",
    }
