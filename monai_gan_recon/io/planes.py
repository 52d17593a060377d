"""The plane that a scan was acquired in, which is the one to reconstruct it in."""

from __future__ import annotations

import os
from pathlib import Path

import nibabel as nib
import numpy as np

from ..vocabulary import PLANES
from .dicom import Series, plane_across

_THICK = 1.5
"""A slice that is so many times thicker than its pixels are wide is one of a 2-D scan."""


def own_plane(path: str | os.PathLike[str], series: Series | None = None) -> str:
    """Plane of the acquisition: the slices of a 2-D scan, those across the readout of a 3-D one.

    2-D scans leave out lines of each of their slices; 3-D scans leave out points of the plane of their two phase
    encodings.

    Args:
        path: the image; NIfTI tells by thick slices, or by the readout in ``dim_info``, as dcm2niix writes it.
        series: the DICOM series that it is; tells by MR Acquisition Type and In-plane Phase Encoding Direction.

    Returns:
        "coronal", "axial" or "sagittal"; "coronal" where nothing is said.
    """
    if series is not None:
        return series.own_plane or PLANES[0]
    try:
        image = nib.load(Path(path).expanduser())
    except Exception:  # not NIfTI, or damaged: what reads it says so
        return PLANES[0]
    if not isinstance(image, nib.Nifti1Image) or len(image.shape) < 3:
        return PLANES[0]
    affine, lengths = np.asarray(image.affine, dtype=float), np.sort(image.header.get_zooms()[:3])
    slices = int(np.argmax(image.header.get_zooms()[:3]))
    readout = image.header.get_dim_info()[0]
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        return PLANES[0]
    if 1 in image.shape[:3]:
        return plane_across(affine, image.shape[:3].index(1))
    if lengths[2] >= _THICK * lengths[1]:
        return plane_across(affine, slices)
    return PLANES[0] if readout is None else plane_across(affine, readout)
