"""Checks of an image that was read: values, geometry and slice size, each with one clear line."""

from __future__ import annotations

import os

import nibabel as nib
import numpy as np
import torch

from ..vocabulary import MIN_SLICE_SIZE

_IN_PLANE = {
    "coronal": (0, 2),
    "axial": (0, 1),
    "sagittal": (1, 2),
}  # anatomical axes: 0 left-right, 1 AP, 2 SI


def check_shape(path: str | os.PathLike[str], shape: tuple[int, ...]) -> None:
    """Refuse anything but a volume (X, Y, Z) or a slice (X, Y); further axes must have length 1.

    Raises:
        ValueError: if the image has fewer than two axes, is empty, or is 4-D.
    """
    if len(shape) < 2 or 0 in shape:
        raise ValueError(f"{path}: has shape {shape}; give a volume (X, Y, Z) or one slice (X, Y)")
    if any(length > 1 for length in shape[3:]):
        raise ValueError(
            f"{path}: is {len(shape)}-D with shape {shape}; extract one 3-D volume of it and give that"
        )


def check_values(path: str | os.PathLike[str], image: torch.Tensor) -> None:
    """Refuse images without information.

    Args:
        path: for the message.
        image: any shape, real or complex.

    Raises:
        ValueError: if a value is NaN or infinite, or if all values are equal.
    """
    bad = int((~torch.isfinite(image)).sum())
    if bad:
        raise ValueError(
            f"{path}: {bad} of {image.numel()} values are NaN or infinite; repair the image first"
        )
    if bool((image == image.flatten()[0]).all()):
        raise ValueError(
            f"{path}: is constant (every value is {image.flatten()[0].item():g}); there is no image in it"
        )


def check_affine(path: str | os.PathLike[str], affine: np.ndarray) -> None:
    """Refuse a voxel-to-world matrix that gives no orientation.

    Args:
        path: for the message.
        affine: (4, 4), voxel to RAS in mm.

    Raises:
        ValueError: if it is not finite or cannot be inverted.
    """
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise ValueError(
            f"{path}: its affine (orientation and spacing) is not valid; repair the header first"
        )


def slice_sizes(shape: tuple[int, ...], affine: np.ndarray) -> dict[str, tuple[int, int]]:
    """In-plane size of the slices of a volume (X, Y, Z), for each plane.

    Args:
        shape: of the volume, three lengths.
        affine: (4, 4), voxel to RAS in mm.
    """
    nearest = nib.io_orientation(affine)[:, 0].astype(int)
    length = {anatomical: shape[axis] for axis, anatomical in enumerate(nearest)}
    return {plane: (length[a], length[b]) for plane, (a, b) in _IN_PLANE.items()}


def check_slice_size(
    path: str | os.PathLike[str],
    shape: tuple[int, ...],
    affine: np.ndarray,
    plane: str | None,
    min_size: int = MIN_SLICE_SIZE,
) -> None:
    """Refuse slices that are too small for the networks.

    Args:
        path: for the message.
        shape: of the volume, three lengths.
        affine: (4, 4), voxel to RAS in mm.
        plane: "coronal", "axial" or "sagittal"; ``None``: it is enough that one plane fits.
        min_size: least in-plane length in pixels.

    Raises:
        ValueError: if a slice is under ``min_size`` pixels high or wide, or the plane is unknown.
    """
    if plane is not None and plane not in _IN_PLANE:
        raise ValueError(f"unknown plane {plane!r}; choose one of {', '.join(_IN_PLANE)}")
    sizes = slice_sizes(shape, affine)
    fitting = [name for name, size in sizes.items() if min(size) >= min_size]
    if not fitting:
        text = " x ".join(map(str, shape))
        raise ValueError(
            f"{path}: {text} voxels are too few; slices need at least {min_size} x {min_size} pixels"
        )
    if plane is not None and plane not in fitting:
        a, b = sizes[plane]
        raise ValueError(
            f"{path}: {plane} slices have {a} x {b} pixels, at least {min_size} x {min_size} are needed; "
            f"this image can be read in plane {' or '.join(fitting)}"
        )
