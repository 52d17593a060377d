"""One DICOM series from a folder: MONAI's PydicomReader behind checks that no slice is missing or foreign."""

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

# Only these elements are read: no name, number or date of a patient ever gets into memory or into a message.
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
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
    *_PIXELS,
]
_PREAMBLE = 132
"""Bytes before the first element of a DICOM file."""
_DAMAGED = "a DICOM file in it is damaged or truncated; export the series again"
_CONVERT = "convert it to NIfTI (for example with dcm2niix) and give that"


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
                raise ValueError(f"{path}: {_DAMAGED}") from error
        slices = _images(path, slices)
        datasets = [dataset for dataset, _ in slices]
        try:  # pydicom converts elements when they are asked for
            _check_one_series(path, datasets)
            distance, self.normal = _slice_distances(path, datasets)
            self.thickness = float(datasets[0].get("SliceThickness") or 1.0)
        except (ValueError, TypeError, OverflowError) as error:
            if str(error).startswith(f"{path}: "):
                raise
            raise ValueError(f"{path}: {_DAMAGED}") from error
        _check_spacing(path, np.sort(distance))
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
                f"{path}: its DICOM pixel data cannot be decoded (truncated, or compressed); {_CONVERT}"
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
        raise ValueError(f"{folder}: {_DAMAGED}")
    return files


def _images(
    path: Path, objects: list[tuple[pydicom.FileDataset, Path]]
) -> list[tuple[pydicom.FileDataset, Path]]:
    """The objects with pixels; an image that has lost them is an error."""
    images = [item for item in objects if any(tag in item[0] for tag in _PIXELS)]
    others = [item for item in objects if not any(tag in item[0] for tag in _PIXELS)]
    if not images:
        raise ValueError(f"{path}: its DICOM data have no pixel data; give a series of images")
    series = {dataset.get("SeriesInstanceUID") for dataset, _ in images}
    classes = {dataset.file_meta.get("MediaStorageSOPClassUID") for dataset, _ in images}
    for dataset, _ in others:
        kind = dataset.file_meta.get("MediaStorageSOPClassUID")
        if "Rows" in dataset or kind in classes or dataset.get("SeriesInstanceUID") in series:
            raise ValueError(f"{path}: {_DAMAGED}")
    return images


def _check_one_series(path: Path, datasets: list[pydicom.Dataset]) -> None:
    series = {str(dataset.get("SeriesInstanceUID", "")) for dataset in datasets}
    if len(series) > 1:
        raise ValueError(
            f"{path}: holds {len(series)} DICOM series; put each in a folder of its own and give one"
        )
    for dataset in datasets:
        if int(dataset.get("NumberOfFrames") or 1) > 1:
            raise ValueError(f"{path}: is multi-frame (enhanced) DICOM; {_CONVERT}")
        if int(dataset.get("SamplesPerPixel") or 1) > 1:
            raise ValueError(f"{path}: is a colour image, not MRI data; give the original series")
        if not all(
            dataset.get(tag) for tag in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
        ):
            raise ValueError(
                f"{path}: its DICOM data have no slice position, orientation or spacing; {_CONVERT}"
            )
    if (
        len(
            {
                (dataset.get("Rows"), dataset.get("Columns"), tuple(dataset.PixelSpacing))
                for dataset in datasets
            }
        )
        > 1
    ):
        raise ValueError(f"{path}: its slices differ in size or spacing; give a folder of one DICOM series")


def _slice_distances(path: Path, datasets: list[pydicom.Dataset]) -> tuple[np.ndarray, np.ndarray]:
    orientation = np.array([dataset.ImageOrientationPatient for dataset in datasets], dtype=float)
    if np.abs(orientation - orientation[0]).max() > 1e-3:
        raise ValueError(
            f"{path}: its slices are not parallel (a localiser?); give a folder of one DICOM series"
        )
    normal = np.cross(orientation[0, :3], orientation[0, 3:])
    position = np.array([dataset.ImagePositionPatient for dataset in datasets], dtype=float)
    return position @ normal, normal


def _check_spacing(path: Path, distance: np.ndarray) -> None:
    gaps = np.diff(distance)
    if gaps.size == 0:
        return
    repeated = int((gaps < 1e-3).sum())
    if repeated:
        raise ValueError(
            f"{path}: {repeated} of {distance.size} DICOM slices repeat a position (several echoes, times?); "
            "put each volume in a folder of its own"
        )
    spacing = float(np.median(gaps))
    if np.abs(gaps - spacing).max() > max(0.02 * spacing, 0.01):
        missing = int(np.round(gaps / spacing - 1).clip(0).sum())
        about = f"about {missing} missing" if missing else "positions are irregular"
        raise ValueError(
            f"{path}: its DICOM slices are unevenly spaced ({about}); export the complete series again"
        )
