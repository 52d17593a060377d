"""Transforms of volumes and slices, in array and dictionary form: planes, crops, intensity."""

from monai_gan_recon.transforms.geometry import (
    CropPadSlices,
    CropPadSlicesd,
    RandForegroundCropd,
    SlicesOfPlane,
    SlicesOfPlaned,
    check_crop,
    plane_axcodes,
)
from monai_gan_recon.transforms.intensity import ScaleMagnitude, ScaleMagnituded, ScaleMinMax, ScaleMinMaxd

__all__ = [
    "CropPadSlices",
    "CropPadSlicesd",
    "RandForegroundCropd",
    "ScaleMagnitude",
    "ScaleMagnituded",
    "ScaleMinMax",
    "ScaleMinMaxd",
    "SlicesOfPlane",
    "SlicesOfPlaned",
    "check_crop",
    "plane_axcodes",
]
