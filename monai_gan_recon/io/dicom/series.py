"""The volumes that DICOM files make up: found in any folder, listed, chosen and read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pydicom

from ...checks import home_expanded
from ...errors import about
from .files import dicom_files, open_images, silent_pydicom
from .frames import single_frames
from .reader import read_slices
from .stacks import Series, stacks

ALL = "all"


def find_series(path: str | os.PathLike[str]) -> list[Series]:
    """All volumes of the DICOM images in a file or a folder and its subfolders, whatever their names.

    A DICOMDIR stands for its folder. Volumes are sorted by folder, series number and UID; those that are ``unfit`` are
    among them. Files that are there twice count once.

    Raises:
        FileNotFoundError: if there is no such path.
        ValueError: in one line, if there is no DICOM image, or a file is damaged.
    """
    path = home_expanded(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder; check the path")
    if path.name.upper() == "DICOMDIR":
        path = path.parent
    with about(path), silent_pydicom():
        found = stacks(open_images(dicom_files(path)))
    return sorted(found, key=lambda series: (str(series.path), series.number or 0, series.uid.partition(":")[0]))


def choose_series(path: str | os.PathLike[str], series: str | int | None = None) -> list[Series]:
    """The volumes to work on.

    Args:
        path: see :func:`find_series`.
        series: number in the list of :func:`find_series` from 1 on, UID as :class:`Series` has it, or "all": all that
            are fit; None: the one that is fit, or one in each folder.

    Returns:
        at least one volume.

    Raises:
        FileNotFoundError: if there is no such path.
        ValueError: in one line with the list, if there is no such volume, or several where one is meant.
    """
    found = find_series(path)
    listed = "; ".join(f"{place}: {item}" for place, item in enumerate(found, 1))
    fit = [item for item in found if not item.unfit] or found
    if series is None:
        if len({item.path for item in fit}) < len(fit):
            raise ValueError(f"{path}: holds {len(found)} DICOM series, choose with --series N or all: {listed}")
        return fit
    text = str(series).strip()
    if text.lower() == ALL:
        return fit
    chosen = [item for item in found if text in (item.uid, item.uid.partition(":")[0])]
    if text.isdecimal() and 1 <= int(text) <= len(found):
        chosen = [found[int(text) - 1]]
    if len(chosen) != 1:
        several = f"{len(chosen)} volumes share this UID, choose one by its number"
        what = several if chosen else "no such series"
        raise ValueError(f"{path}: --series {text}: {what}: {listed}")
    return chosen


def read_dicom(
    path: str | os.PathLike[str], series: Series | str | int | None = None
) -> tuple[np.ndarray, np.ndarray, Series]:
    """Read one volume of a path (:func:`find_series`), chosen as by :func:`choose_series`.

    Returns:
        array (columns, rows, slices) with the rescale slope applied, the (4, 4) affine in RAS and mm, and where it
        comes from.

    Raises:
        FileNotFoundError: if there is no such path.
        ValueError: in one line, without patient data, for whatever keeps the volume from being read.
    """
    if not isinstance(series, Series):
        chosen = choose_series(path, series)
        if len(chosen) > 1:
            raise ValueError(f"{path}: holds {len(chosen)} DICOM series in its folders; give one of these folders")
        series = chosen[0]
    with about(path), silent_pydicom():
        array, affine = read_slices(series.slices, series.whole)
    return array, affine, series


def read_headers(series: Series) -> list[pydicom.Dataset]:
    """Headers of a volume's slices, all elements but pixels, in the order of ``series.slices``."""
    whole: dict[Path, list[pydicom.Dataset]] = {}
    headers = []
    with silent_pydicom():
        for file, frame in series.slices:
            if file not in whole:
                whole[file] = single_frames(pydicom.dcmread(file, stop_before_pixels=True))
            headers.append(whole[file][frame or 0])
    return headers
