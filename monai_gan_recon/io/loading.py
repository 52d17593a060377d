"""Images as volumes to work with: one tensor with its place, checked."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import MetaKeys, SpaceKeys

from ..checks import home_expanded
from ..vocabulary import MIN_SLICE_SIZE
from .dicom import Series
from .geometry import plane_axcodes, slice_sizes
from .images import are_labels, read_image
from .nifti import TRANSFORMS, Transforms

logger = logging.getLogger(__name__)
_LEAST_RANGE = 1e-30
"""Least range of intensities that can be scaled to [0, 1] in float32."""
_MOST_ROUNDING = 1e-3
"""Largest rounding of float32, as a fraction of the range of intensities."""


def load_volume(
    path: str | os.PathLike[str],
    plane: str | None = None,
    series: Series | str | int | None = None,
) -> MetaTensor:
    """Read one volume and check that it can be reconstructed.

    Args:
        path: NIfTI file, DICOM folder (or one DICOM file, or a DICOMDIR), ".npy" slices (H, W) or (N, H, W) as
            displayed, NRRD or MetaImage file. A single slice is a volume of one slice.
        plane: plane whose slices will be used ("coronal", "axial", "sagittal"), for the check of their size
            and for ".npy" files, which do not say (default coronal).
        series: which volume of a DICOM folder, see :func:`monai_gan_recon.io.dicom.choose_series`.

    Returns:
        (1, X, Y, Z), float32 (complex64 for complex files), with the affine (voxel to RAS, mm) and the file's
        name in ``meta``, and for NIfTI its two transforms; nothing else of the header is kept, so nothing about the
        patient.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        ValueError: in one line, if it cannot be read (truncated, not a NIfTI, empty folder, several or
            incomplete DICOM series), is k-space, or is no image to work with (NaN or infinite values, constant,
            beyond the precision of float32, 4-D, slices too small).
    """
    path = home_expanded(path)
    array, affine, transforms = read_image(path, plane, series=series)
    _check_slice_size(path, array.shape, affine, plane)
    if transforms is not None and not transforms.sform_code and not transforms.qform_code:
        logger.warning("%s: its header does not say where left and right are (sform and qform code 0)", path)
    if are_labels(array[..., array.shape[-1] // 2]):
        logger.warning("%s: looks like a label map, and is taken for an image", path)
    return _meta_tensor(torch.from_numpy(_single_precision(path, array)), affine, path, transforms)


def load_label_volume(path: str | os.PathLike[str]) -> MetaTensor:
    """Read a label map from NIfTI, NRRD or MetaImage: any values, any size; integers stay what they are.

    Returns:
        (1, X, Y, Z), integers as the file has them (floating-point ones that are whole numbers as int64), with the
        affine.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: in one line, if it cannot be read, its affine is not valid, or a value is no whole number.
    """
    path = home_expanded(path)
    array, affine, transforms = read_image(path, exact=True)
    if array.dtype.kind == "c":
        raise ValueError(f"{path}: is complex; labels are whole numbers")
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = np.round(array)
            wrong = ~(np.abs(array - whole) <= 1e-6 * np.maximum(np.abs(whole), 1)) | (np.abs(whole) > 2.0**53)
        if wrong.any():
            raise ValueError(
                f"{path}: labels must be whole numbers, it has the value {array[wrong][0]:.9g} "
                f"({int(wrong.sum())} such voxels)"
            )
        array = whole
    if array.dtype.kind != "f" and array.size and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{path}: has a label of {array.max()}; labels go up to 2^63 - 1")
    return _meta_tensor(torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64)), affine, path, transforms)


class LoadVolumed(MapTransform):
    """Each key's path becomes its volume, as :func:`load_volume` reads it."""

    def __init__(self, keys: KeysCollection, plane: str | None = None) -> None:
        super().__init__(keys)
        self.plane = plane

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace paths by volumes; ``series`` of the entry says which one of a DICOM folder."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = load_volume(result[key], self.plane, data.get("series"))
        return result


def _meta_tensor(image: torch.Tensor, affine: np.ndarray, path: Path, transforms: Transforms | None) -> MetaTensor:
    matrix = torch.as_tensor(affine, dtype=torch.float64)
    meta: dict[str, Any] = {
        str(MetaKeys.ORIGINAL_AFFINE): matrix.clone(),
        str(MetaKeys.SPATIAL_SHAPE): np.array(image.shape),
        str(MetaKeys.SPACE): SpaceKeys.RAS,
        str(MetaKeys.ORIGINAL_CHANNEL_DIM): float("nan"),
        "filename_or_obj": str(path),
    }
    return MetaTensor(image[None], affine=matrix, meta=meta | ({} if transforms is None else {TRANSFORMS: transforms}))


def _single_precision(path: Path, array: np.ndarray) -> np.ndarray:
    """The image as float32 or complex64; refused if it has NaN or infinite values, no information, or loses some."""
    kind = np.dtype(np.complex64 if array.dtype.kind == "c" else np.float32)
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array, dtype=kind)
    values = result.view(np.float32)
    low, high = float(values.min()), float(values.max())  # without copies of a large volume
    if not math.isfinite(low) or not math.isfinite(high):
        bad = int((~np.isfinite(array)).sum())
        if not bad:
            raise ValueError(f"{path}: has values beyond 3e38, the limit of float32; scale the image down first")
        raise ValueError(f"{path}: {bad} of {array.size} values are NaN or infinite; repair the image first")
    if low == high or (kind.kind == "c" and bool((result == result.flat[0]).all())):
        first = array.flat[0]
        if (array == first).all():
            raise ValueError(f"{path}: is constant (every value is {first:g}); there is no image in it")
    if high - low < _LEAST_RANGE or np.spacing(np.float32(max(-low, high))) / 2 > _MOST_ROUNDING * (high - low):
        raise ValueError(
            f"{path}: its values, from {low:g} to {high:g}, are too close for float32; subtract the offset, or scale "
            "the image up first"
        )
    return result


def _check_slice_size(path: Path, shape: tuple[int, ...], affine: np.ndarray, plane: str | None) -> None:
    """Refuse slices that are too small for the networks; without a plane it is enough that one plane fits."""
    least = f"{MIN_SLICE_SIZE} x {MIN_SLICE_SIZE}"
    if plane is not None:
        plane_axcodes(plane)
    sizes = slice_sizes(shape, affine)
    fitting = [name for name, size in sizes.items() if min(size) >= MIN_SLICE_SIZE]
    if not fitting:
        text = " x ".join(map(str, shape))
        raise ValueError(f"{path}: {text} voxels are too few; slices need at least {least} pixels")
    if plane is not None and plane not in fitting:
        a, b = sizes[plane]
        raise ValueError(
            f"{path}: {plane} slices have {a} x {b} pixels, at least {least} are needed; "
            f"this image can be read in plane {' or '.join(fitting)}"
        )
