"""Readers of single images: NIfTI through nibabel, NRRD and MetaImage through SimpleITK, slices of NumPy."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk

from ..vocabulary import PLANE_AXCODES
from .raw import looks_like_kspace

_GZIP = b"\x1f\x8b"
_READ_ERRORS = (EOFError, OSError, ValueError, TypeError, MemoryError, zlib.error)


def read_nifti(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Volume and affine of a NIfTI file.

    Args:
        path: NIfTI-1 or -2 in one file, compressed or not, whatever its name.

    Returns:
        array (X, Y, Z), float32, or complex64 if the file is complex, and the (4, 4) affine in RAS and mm.

    Raises:
        ValueError: if it is not a NIfTI, truncated, damaged, a colour image, 4-D, or k-space.
    """
    with path.open("rb") as stream:
        packed = stream.read(2) == _GZIP
    with gzip.open(path) if packed else path.open("rb") as stream:
        try:
            size = stream.read(4)  # of the header; 540 in NIfTI-2, in either order of the bytes
            kind_of_nifti = nib.Nifti2Image if sorted(size) == [0, 0, 2, 28] else nib.Nifti1Image
            stream.seek(0)
            image = kind_of_nifti.from_stream(stream)
        except Exception as error:  # nibabel has errors of its own for each part of a header
            raise ValueError(
                f"{path}: is not a NIfTI file, or its header is damaged; copy it again"
            ) from error
        shape, kind = check_shape(path, image.shape), image.get_data_dtype().kind
        if kind not in "biufc":
            raise ValueError(
                f"{path}: holds colours or records, not one number a voxel; give the original image"
            )
        try:
            if kind == "c":
                values = np.asanyarray(image.dataobj).astype(np.complex64)
            else:
                values = image.get_fdata(caching="unchanged", dtype=np.float32)
        except _READ_ERRORS as error:
            raise ValueError(
                f"{path}: is truncated or damaged, its voxels cannot be read; copy it again"
            ) from error
    affine = np.array(image.affine, dtype=np.float64)
    if shape[2] == 1 and np.linalg.norm(affine[:3, 2]) < 1e-6:
        affine[:3, 2] = np.cross(affine[:3, 0], affine[:3, 1]) / np.linalg.norm(affine[:3, 0])
    return refuse_kspace(path, values.reshape(shape)), affine


def read_numpy(path: Path, plane: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Slices of a ".npy" file, as displayed (H down, W to the right), as a volume with 1 mm voxels.

    Args:
        path: array (H, W), or (N, H, W) for N slices.
        plane: plane of the slices; ``None``: coronal.

    Returns:
        array (N, H, W), float32 or complex64, whose affine makes it come out unchanged as slices of
        ``plane``.

    Raises:
        ValueError: if it is not a NumPy file of numbers, has other than two or three axes, or is k-space.
    """
    try:
        values = np.load(path, allow_pickle=False)
    except _READ_ERRORS as error:
        raise ValueError(f"{path}: is not a NumPy .npy file of numbers, or it is truncated") from error
    kind = values.dtype.kind
    if kind not in "biufc":
        raise ValueError(f"{path}: holds {values.dtype}, not numbers; give slices (H, W) or (N, H, W)")
    refuse_kspace(path, values)
    if values.ndim not in (2, 3):
        raise ValueError(f"{path}: has shape {values.shape}; give slices (H, W) or (N, H, W)")
    check_shape(path, values.shape)
    codes = PLANE_AXCODES.get(plane or "coronal")
    if codes is None:
        raise ValueError(f"unknown plane {plane!r}; choose one of {', '.join(PLANE_AXCODES)}")
    affine = np.eye(4)
    affine[:3, :3] = 0
    for column, (axis, sign) in enumerate(nib.orientations.axcodes2ornt(codes).astype(int)):
        affine[axis, column] = sign
    values = values if values.ndim == 3 else values[None]
    return values.astype(np.complex64 if kind == "c" else np.float32), affine


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


def check_shape(path: Path, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Three lengths of a volume (X, Y, Z) or a slice (X, Y); further axes must have length 1.

    Raises:
        ValueError: if the image has fewer than two axes, is empty, or is 4-D.
    """
    if len(shape) < 2 or 0 in shape:
        raise ValueError(f"{path}: has shape {shape}; give a volume (X, Y, Z) or one slice (X, Y)")
    if any(length > 1 for length in shape[3:]):
        raise ValueError(
            f"{path}: is {len(shape)}-D with shape {shape}; extract one 3-D volume of it and give that"
        )
    return int(shape[0]), int(shape[1]), int(shape[2]) if len(shape) > 2 else 1


def refuse_kspace(path: Path, array: np.ndarray) -> np.ndarray:
    """The array, if it is not k-space.

    Raises:
        ValueError: if it is.
    """
    if looks_like_kspace(array):
        raise ValueError(
            f"{path}: is k-space of shape {array.shape}, and an image is meant; give it as raw k-space with the "
            'order of its axes (such as "coils,h,w"), or give its inverse Fourier transform'
        )
    return array
