"""Readers of single files: NIfTI and NumPy slices through MONAI, NRRD and MetaImage through SimpleITK."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from monai.data import NibabelReader, NumpyReader
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from .input_check import check_shape

NIFTI = (".nii", ".nii.gz")
NUMPY = (".npy",)
ITK = (".nrrd", ".nhdr", ".mha", ".mhd")
"""Ends of file names."""

_READ_ERRORS = (EOFError, OSError, ValueError, TypeError, MemoryError, zlib.error)
# directions in RAS (as columns) of N, H and W of an array (N, H, W) shown as it is
_ONE_SLICE = {
    "coronal": [[0, 0, -1], [1, 0, 0], [0, -1, 0]],
    "axial": [[0, 0, -1], [0, -1, 0], [1, 0, 0]],
    "sagittal": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
}


def read_nifti(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Volume and affine of a NIfTI file.

    Args:
        path: ".nii" or ".nii.gz".

    Returns:
        array (X, Y, Z), float32, or complex64 if the file is complex, and the (4, 4) affine in RAS and mm.

    Raises:
        ValueError: if it is not a NIfTI, truncated, damaged, a colour image, or 4-D.
    """
    try:
        header = nib.load(path)
        shape, dtype = tuple(int(length) for length in header.shape), header.get_data_dtype()
    except (ImageFileError, HeaderDataError, *_READ_ERRORS) as error:
        raise ValueError(f"{path}: {_what_is_wrong(path)}") from error
    check_shape(path, shape)
    if dtype.kind not in "biufc":
        raise ValueError(f"{path}: holds colours or records, not one number a voxel; give the original image")
    kind = np.complex64 if dtype.kind == "c" else np.float32
    try:
        reader = NibabelReader(channel_dim="no_channel")
        values, _ = reader.get_data(reader.read(str(path)))
    except _READ_ERRORS as error:
        raise ValueError(
            f"{path}: is truncated or damaged, its voxels cannot be read; copy it again"
        ) from error
    affine = np.array(header.affine, dtype=np.float64)
    array = values.astype(kind).reshape((*shape[:2], shape[2] if len(shape) > 2 else 1))
    if array.shape[2] == 1 and np.linalg.norm(affine[:3, 2]) < 1e-6:
        affine[:3, 2] = np.cross(affine[:3, 0], affine[:3, 1]) / np.linalg.norm(affine[:3, 0])
    return array, affine


def _what_is_wrong(path: Path) -> str:
    if path.stat().st_size == 0:
        return "is an empty file; copy it again"
    if path.name.lower().endswith(".gz"):
        with path.open("rb") as stream:
            if stream.read(2) != b"\x1f\x8b":
                return "is not a NIfTI file (not even compressed, in spite of its name)"
        try:
            with gzip.open(path) as stream:
                stream.read(352)
        except _READ_ERRORS:
            return "is truncated or damaged, it cannot be decompressed; copy it again"
    return "is not a NIfTI file, or its header is damaged"


def read_numpy(path: Path, plane: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Slices of a ".npy" file, as displayed (H down, W to the right), as a volume with 1 mm voxels.

    Args:
        path: array (H, W), or (N, H, W) for N slices.
        plane: plane of the slices; ``None``: coronal.

    Returns:
        array (N, H, W), float32 or complex64, whose affine makes it come out unchanged as slices of
        ``plane``.

    Raises:
        ValueError: if it is not a NumPy file of numbers, or has other than two or three axes.
    """
    try:
        values = NumpyReader().read(str(path))
    except _READ_ERRORS as error:
        raise ValueError(f"{path}: is not a NumPy .npy file of numbers, or it is truncated") from error
    if values.ndim not in (2, 3) or values.dtype.kind not in "biufc":
        raise ValueError(
            f"{path}: has shape {values.shape} and type {values.dtype}; give slices (H, W) or (N, H, W)"
        )
    check_shape(path, values.shape)
    directions = _ONE_SLICE.get(plane or "coronal")
    if directions is None:
        raise ValueError(f"unknown plane {plane!r}; choose one of {', '.join(_ONE_SLICE)}")
    affine = np.eye(4)
    affine[:3, :3] = directions
    values = values if values.ndim == 3 else values[None]
    return values.astype(np.complex64 if values.dtype.kind == "c" else np.float32), affine


def read_itk(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Volume and affine of a NRRD or MetaImage file.

    Args:
        path: ".nrrd", ".nhdr", ".mha" or ".mhd".

    Returns:
        array (X, Y, Z), float32, and the (4, 4) affine in RAS and mm.

    Raises:
        ValueError: if it cannot be read, or is neither 2-D nor 3-D with one number a voxel.
    """
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise ValueError(f"{path}: is not a readable NRRD or MetaImage file, or it is truncated") from error
    dimension = image.GetDimension()
    if dimension not in (2, 3) or image.GetNumberOfComponentsPerPixel() != 1:
        raise ValueError(f"{path}: has {dimension} axes or several numbers a voxel; give one 3-D volume")
    array = sitk.GetArrayFromImage(image).astype(np.float32).T
    affine = np.eye(4)
    affine[:dimension, :dimension] = (
        np.reshape(image.GetDirection(), (dimension, dimension)) * image.GetSpacing()
    )
    affine[:dimension, 3] = image.GetOrigin()
    return array.reshape((*array.shape[:2], -1)), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
