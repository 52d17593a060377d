"""Transforms in array and dictionary form: intensity, geometry, undersampling."""

from monai_gan_recon.transforms.geometry import (
    CropPadSlices,
    CropPadSlicesd,
    SlicesOfPlane,
    SlicesOfPlaned,
    plane_axcodes,
)
from monai_gan_recon.transforms.intensity import ScaleMinMax, ScaleMinMaxd
from monai_gan_recon.transforms.phase_noise import (
    FOREGROUND_THRESHOLD,
    complex_noise,
    noise_sigma,
    smooth_phase,
)
from monai_gan_recon.transforms.undersample import Acquisition, Undersample, acquire, measured
from monai_gan_recon.transforms.undersample_dictionary import RandUndersampled, Undersampled

__all__ = [
    "FOREGROUND_THRESHOLD",
    "Acquisition",
    "CropPadSlices",
    "CropPadSlicesd",
    "RandUndersampled",
    "ScaleMinMax",
    "ScaleMinMaxd",
    "SlicesOfPlane",
    "SlicesOfPlaned",
    "Undersample",
    "Undersampled",
    "acquire",
    "complex_noise",
    "measured",
    "noise_sigma",
    "plane_axcodes",
    "smooth_phase",
]
