"""Place of an image's voxels in space: affines to RAS in mm, whatever a format has, and the planes of slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from ..vocabulary import PLANE_AXCODES, PLANES

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From the axes of DICOM, ITK and ISMRMRD to those of NIfTI and MONAI, and back."""
IN_PLANE = {
    plane: sorted("RAS".index(letter) if letter in "RAS" else "LPI".index(letter) for letter in codes[1:])
    for plane, codes in PLANE_AXCODES.items()
}
"""Anatomical axes of a plane's slices: 0 left-right, 1 AP, 2 SI."""
_LONGEST_MM = 1e9
_THICK = 1.5
"""A slice that is so many times thicker than its pixels are wide is one of a 2-D scan."""


def plane_axcodes(plane: str) -> str:
    """Orientation codes of the array axes (N, H, W) of a plane's slices, as they are displayed.

    H goes down the image and W to its right; N is the slice axis. The letters say towards what each index grows:
    coronal "AIL", axial "SPL", sagittal "RIA".

    Raises:
        ValueError: for another plane.
    """
    if not isinstance(plane, str) or plane not in PLANE_AXCODES:
        raise ValueError(f"unknown plane {plane!r}; choose one of {', '.join(PLANE_AXCODES)}")
    return PLANE_AXCODES[plane]


def slice_sizes(shape: Sequence[int], affine: np.ndarray) -> dict[str, tuple[int, int]]:
    """The two lengths of the slices of each plane that a volume (X, Y, Z) with this affine has."""
    nearest = nib.io_orientation(affine)[:, 0].astype(int)
    length = {anatomical: shape[axis] for axis, anatomical in enumerate(nearest)}
    return {plane: (length[a], length[b]) for plane, (a, b) in IN_PLANE.items()}


def from_lps(steps: npt.ArrayLike, origin: npt.ArrayLike) -> np.ndarray:
    """Affine (4, 4) to RAS of a grid in LPS.

    Args:
        steps: (n, n), n = 2 or 3; from voxel to voxel along each axis, one a column.
        origin: (n,), of the first voxel.
    """
    affine, n = np.eye(4), len(np.asarray(origin))
    affine[:n, :n], affine[:n, 3] = steps, origin
    return LPS_TO_RAS @ affine


def of_slices(header: Any, positions: np.ndarray) -> np.ndarray:
    """Affine (4, 4) to RAS in mm of (column, row, slice) of parallel DICOM slices.

    Args:
        header: data set of one of them, with orientation and spacing.
        positions: (slices, 3), Image Position (Patient) of each, in their order along the normal.
    """
    row, column = np.array(header.ImageOrientationPatient, dtype=float).reshape(2, 3)
    down, across = map(float, header.PixelSpacing)
    step = np.cross(row, column) * float(header.get("SliceThickness") or 1)
    if len(positions) > 1:
        step = (positions[-1] - positions[0]) / (len(positions) - 1)
    return from_lps(np.stack([row * across, column * down, step], axis=1), positions[0])


def lengths(affine: np.ndarray) -> np.ndarray:
    """Lengths of a voxel (3,) in mm."""
    return np.asarray(np.linalg.norm(affine[:3, :3], axis=0))


def is_valid(affine: np.ndarray) -> bool:
    """Whether a matrix gives a place and three axes with lengths of a thing that a scanner holds."""
    if not np.isfinite(affine).all() or np.abs(affine).max() > _LONGEST_MM:
        return False
    mm, volume = lengths(affine), abs(np.linalg.det(affine[:3, :3]))
    return bool(mm.min() > 1 / _LONGEST_MM and volume > 1e-6 * math.prod(mm)) and not bool(
        np.isnan(nib.io_orientation(affine)).any()
    )


def plane_across(affine: np.ndarray, axis: int) -> str:
    """Plane whose slices lie most nearly across an array axis (0, 1 or 2)."""
    nearest = int(nib.io_orientation(affine)[axis, 0])
    return next(plane for plane, inside in IN_PLANE.items() if nearest not in inside)


def plane_of_scan(shape: tuple[int, ...], affine: np.ndarray, readout: int | None = None) -> str:
    """Plane of the acquisition: the slices of a 2-D scan, those across the readout of a 3-D one; else "coronal".

    2-D scans leave out lines of each of their slices; 3-D scans leave out points of the plane of their two phase
    encodings.

    Args:
        shape: voxels (X, Y, Z); one slice, or slices much thicker than their pixels, are a 2-D scan.
        affine: (4, 4), voxel to RAS in mm.
        readout: axis of the readout, if it is known.
    """
    if not is_valid(affine):
        return PLANES[0]
    across = slice_axis(shape, affine)
    across = readout if across is None else across
    return PLANES[0] if across is None else plane_across(affine, across)


def slice_axis(shape: tuple[int, ...], affine: np.ndarray) -> int | None:
    """Axis of the slices of a 2-D scan: one alone, or much thicker than their pixels; None of a 3-D scan."""
    if 1 in shape[:3]:
        return shape[:3].index(1)
    mm = lengths(affine)
    return int(np.argmax(mm)) if mm.max() >= _THICK * np.sort(mm)[1] else None
