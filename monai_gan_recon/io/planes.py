"""The plane that a scan was acquired in, which is the one to reconstruct it in."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..vocabulary import PLANES
from .dicom import Series, plane_across
from .formats import kind_of
from .images import is_valid
from .nifti import read_header
from .volumes import read_itk_header

_THICK = 1.5
"""A slice that is so many times thicker than its pixels are wide is one of a 2-D scan."""


def own_plane(path: str | os.PathLike[str], series: Series | None = None) -> str:
    """Plane of the acquisition: the slices of a 2-D scan, those across the readout of a 3-D one.

    2-D scans leave out lines of each of their slices; 3-D scans leave out points of the plane of their two phase
    encodings.

    Args:
        path: the image; NIfTI, NRRD and MetaImage tell by thick slices, NIfTI also by the readout in ``dim_info``, as
            dcm2niix writes it.
        series: the DICOM series that it is; tells by MR Acquisition Type and In-plane Phase Encoding Direction.

    Returns:
        "coronal", "axial" or "sagittal"; "coronal" where nothing is said.
    """
    if series is not None:
        return series.own_plane or PLANES[0]
    path = Path(path).expanduser()
    try:
        shape, affine, readout = _geometry(path)
    except (ValueError, OSError):  # damaged: what reads it says so
        return PLANES[0]
    if len(shape) < 3 or not is_valid(affine):
        return PLANES[0]
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if 1 in shape[:3]:
        return plane_across(affine, shape[:3].index(1))
    if np.max(lengths) >= _THICK * np.sort(lengths)[1]:
        return plane_across(affine, int(np.argmax(lengths)))
    return PLANES[0] if readout is None else plane_across(affine, readout)


def _geometry(path: Path) -> tuple[tuple[int, ...], np.ndarray, int | None]:
    """Shape, affine to RAS in mm and axis of the readout that the header of an image tells; () if it has none."""
    kind = kind_of(path)
    if kind == "nifti":
        header = read_header(path)
        return (*header.volume(), header.readout)
    if kind == "itk":
        return (*read_itk_header(path), None)
    return (), np.eye(4), None
