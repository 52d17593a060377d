"""Transforms of volumes and slices, in array and dictionary form: planes, crops, intensity."""

from monai_gan_recon.transforms.geometry import (
    CropPadSlices,
    CropPadSlicesd,
    RandForegroundCropd,
    SlicesOfPlane,
    SlicesOfPlaned,
    check_crop,
)
from monai_gan_recon.transforms.intensity import ScaleMagnituded, ScaleMinMax, ScaleMinMaxd

__all__ = [
    "CropPadSlices",
    "CropPadSlicesd",
    "RandForegroundCropd",
    "ScaleMagnituded",
    "ScaleMinMax",
    "ScaleMinMaxd",
    "SlicesOfPlane",
    "SlicesOfPlaned",
    "check_crop",
]
