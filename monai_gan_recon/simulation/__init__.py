"""Simulated scans of magnitude images: phase, coils, noise, sampling; fixed for evaluation, random for training."""

from monai_gan_recon.simulation.acquisition import (
    FOREGROUND_THRESHOLD,
    acquire,
    complex_noise,
    informed,
    measured_block,
    noise_std_for,
)
from monai_gan_recon.simulation.coils import biot_savart_maps, measured_maps, random_maps
from monai_gan_recon.simulation.head_anatomy import HeadAnatomy, Part, RandHeadAnatomy
from monai_gan_recon.simulation.heads import RandHead, RandHeadImage
from monai_gan_recon.simulation.looks import RandContrastCurve, RandContrastCurved, RandPhantom, RandPhantomd
from monai_gan_recon.simulation.phase import random_field, random_phase, smooth_phase
from monai_gan_recon.simulation.training import RandomScans
from monai_gan_recon.simulation.undersample import Undersample, Undersampled

__all__ = [
    "FOREGROUND_THRESHOLD",
    "HeadAnatomy",
    "Part",
    "RandContrastCurve",
    "RandContrastCurved",
    "RandHead",
    "RandHeadAnatomy",
    "RandHeadImage",
    "RandPhantom",
    "RandPhantomd",
    "RandomScans",
    "Undersample",
    "Undersampled",
    "acquire",
    "biot_savart_maps",
    "complex_noise",
    "informed",
    "measured_block",
    "measured_maps",
    "noise_std_for",
    "random_field",
    "random_maps",
    "random_phase",
    "smooth_phase",
]
