"""Transforms of volumes and slices, in array and dictionary form: planes, crops, intensity."""

from monai_gan_recon.transforms.geometry import (
    CropPadSlices,
    CropPadSlicesd,
    SlicesOfPlane,
    SlicesOfPlaned,
    plane_axcodes,
)
from monai_gan_recon.transforms.intensity import ScaleMinMax, ScaleMinMaxd

__all__ = [
    "CropPadSlices",
    "CropPadSlicesd",
    "ScaleMinMax",
    "ScaleMinMaxd",
    "SlicesOfPlane",
    "SlicesOfPlaned",
    "plane_axcodes",
]
