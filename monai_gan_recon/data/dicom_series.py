"""One DICOM series from a folder: MONAI's PydicomReader behind the checks of a series."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from monai.data import PydicomReader

from .dicom_checks import (
    CONVERT,
    DAMAGED,
    PIXELS,
    check_one_series,
    check_spacing,
    images_of,
    slice_distances,
)

# Only these elements are read: no name, number or date of a patient ever gets into memory or into a message.
_TAGS = [
    "InstanceNumber",
    "SeriesInstanceUID",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "RescaleSlope",
    "RescaleIntercept",
    *PIXELS,
]
_PREAMBLE = 132
"""Bytes before the first element of a DICOM file."""


class DicomSeriesReader(PydicomReader):
    """Reader of one complete DICOM series (a folder, or one file as a volume of one slice).

    The slices are ordered by their position along the slice normal (as GDCM and SimpleITK do), not by their
    instance numbers. Files that are not DICOM are skipped, and so are DICOM objects of another kind beside images, such
    as reports. An image without its pixels is a truncated file, and refused.
    ``get_data`` gives the array (columns, rows, slices) and its affine in RAS.
    """

    def __init__(self) -> None:
        super().__init__(channel_dim="no_channel", prune_metadata=True)
        self.normal = np.array([0.0, 0.0, 1.0])
        self.thickness = 1.0

    def read(self, data: Sequence[os.PathLike[str] | str] | os.PathLike[str] | str, **kwargs: Any) -> list:
        """Read the slices of one series.

        Args:
            data: the folder, or one DICOM file.
            kwargs: for ``pydicom.dcmread``.

        Returns:
            pydicom data sets in the order of their position.

        Raises:
            ValueError: if the folder holds no DICOM image, several series, or slices that do not make up a
                volume.
        """
        path = Path(data if isinstance(data, (str, os.PathLike)) else data[0])
        files = [path] if path.is_file() else _dicom_files(path)
        slices = []
        for file in files:
            try:
                slices.append((pydicom.dcmread(file, specific_tags=list(_TAGS), **kwargs), file))
            except (pydicom.errors.InvalidDicomError, EOFError, OSError, ValueError, KeyError) as error:
                raise ValueError(f"{path}: {DAMAGED}") from error
        slices = images_of(path, slices)
        datasets = [dataset for dataset, _ in slices]
        try:  # pydicom converts elements when they are asked for
            check_one_series(path, datasets)
            distance, self.normal = slice_distances(path, datasets)
            self.thickness = float(datasets[0].get("SliceThickness") or 1.0)
        except (ValueError, TypeError, OverflowError) as error:
            if str(error).startswith(f"{path}: "):
                raise
            raise ValueError(f"{path}: {DAMAGED}") from error
        check_spacing(path, np.sort(distance))
        order = np.argsort(distance, kind="stable")
        for rank, index in enumerate(order):
            datasets[index].InstanceNumber = rank + 1
        self.has_series = True
        self.filenames = [[str(slices[index][1]) for index in order]]
        return [datasets[index] for index in order]


def read_dicom(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Volume and affine of a DICOM folder (one series) or file.

    Args:
        path: folder or file.

    Returns:
        array (columns, rows, slices) with the rescale slope applied, and the (4, 4) affine in RAS and mm.

    Raises:
        ValueError: in one line, without patient data, for whatever keeps the series from being read.
    """
    reader = DicomSeriesReader()
    with _silent_pydicom():
        slices = reader.read(path)
        try:
            array, meta = reader.get_data(slices)
        except Exception as error:  # whatever a decoder raises: no plugin, truncated pixels, ...
            raise ValueError(
                f"{path}: its DICOM pixel data cannot be decoded (truncated, or compressed); {CONVERT}"
            ) from error
    affine = np.asarray(meta["affine"], dtype=np.float64)
    if array.ndim == 2:  # one slice: MONAI leaves the third column at (0, 0, 1)
        array = array[..., None]
        affine[:3, 2] = reader.normal * reader.thickness * (-1, -1, 1)
    return np.asarray(array), affine


@contextmanager
def _silent_pydicom() -> Iterator[None]:
    """Without pydicom's warnings and log, in which it quotes the values of elements."""
    logger = logging.getLogger("pydicom")
    disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = disabled


def is_dicom(path: Path) -> bool:
    """Whether ``path`` is a DICOM file (by its preamble)."""
    return path.is_file() and path.name.upper() != "DICOMDIR" and pydicom.misc.is_dicom(path)


def _dicom_files(folder: Path) -> list[Path]:
    entries = sorted(folder.iterdir())
    if not entries:
        raise ValueError(f"{folder}: the folder is empty; give a folder of one DICOM series or a NIfTI file")
    files = [entry for entry in entries if is_dicom(entry)]
    if not files:
        raise ValueError(
            f"{folder}: the folder holds no DICOM file; give a folder of one DICOM series or a NIfTI file"
        )
    short = [entry for entry in entries if entry.suffix.lower() == ".dcm" and entry.is_file()]
    if any(entry.stat().st_size < _PREAMBLE for entry in short):
        raise ValueError(f"{folder}: {DAMAGED}")
    return files
