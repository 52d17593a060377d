"""One complete DICOM series from a folder: MONAI's PydicomReader behind the checks of a series."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
from monai.data import PydicomReader

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
# Only these elements are read: no name, number or date of a patient ever gets into memory or into a message.
_TAGS = [
    "InstanceNumber",
    "SeriesInstanceUID",
    *_GEOMETRY,
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
_GIVE = "give a folder of one DICOM series or a NIfTI file"
_READ_ERRORS = (EOFError, OSError, ValueError, KeyError, TypeError, OverflowError)


def is_dicom(path: Path) -> bool:
    """Whether ``path`` is a DICOM file (by its preamble)."""
    return path.is_file() and path.name.upper() != "DICOMDIR" and pydicom.misc.is_dicom(path)


def read_dicom(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Volume and affine of a DICOM folder (one series) or file (a volume of one slice).

    The slices are ordered by their position along the slice normal (as GDCM and SimpleITK do), not by their
    instance numbers. Files that are not DICOM are skipped, and so are DICOM objects of another kind beside
    images, such as reports. An image without its pixels is a truncated file, and refused.

    Args:
        path: folder or file.

    Returns:
        array (columns, rows, slices) with the rescale slope applied, and the (4, 4) affine in RAS and mm.

    Raises:
        ValueError: in one line, without patient data, for whatever keeps the series from being read.
    """
    try:
        with _silent_pydicom():
            return _read(path)
    except _Refused as error:
        raise ValueError(f"{path}: {error}") from error


class _Refused(Exception):
    """Why a series cannot be read, without its path."""


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    files = [path] if path.is_file() else _files(path)
    try:  # pydicom converts elements when they are asked for
        objects = [(pydicom.dcmread(file, specific_tags=list(_TAGS)), str(file)) for file in files]
        images = _images(objects)
        datasets = [dataset for dataset, _ in images]
        _check_one_series(datasets)
        distance, normal = _distances(datasets)
        thickness = float(datasets[0].get("SliceThickness") or 1.0)
    except (pydicom.errors.InvalidDicomError, *_READ_ERRORS) as error:
        raise _Refused(_DAMAGED) from error
    _check_spacing(np.sort(distance))
    order = np.argsort(distance, kind="stable")
    for rank, index in enumerate(order):
        datasets[index].InstanceNumber = rank + 1
    reader = PydicomReader(channel_dim="no_channel", prune_metadata=True)
    reader.has_series, reader.filenames = True, [[images[index][1] for index in order]]
    try:
        array, meta = reader.get_data([datasets[index] for index in order])
    except Exception as error:  # whatever a decoder raises: no plugin, truncated pixels, ...
        raise _Refused(
            f"its DICOM pixel data cannot be decoded (truncated, or compressed); {_CONVERT}"
        ) from error
    affine = np.asarray(meta["affine"], dtype=np.float64)
    if array.ndim == 2:  # one slice: MONAI leaves the third column at (0, 0, 1)
        array = array[..., None]
        affine[:3, 2] = normal * thickness * (-1, -1, 1)
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


def _files(folder: Path) -> list[Path]:
    entries = sorted(folder.iterdir())
    files = [entry for entry in entries if is_dicom(entry)]
    if not files:
        what = "is empty" if not entries else "holds no DICOM file"
        raise _Refused(f"the folder {what}; {_GIVE}")
    named = [entry for entry in entries if entry.suffix.lower() == ".dcm" and entry.is_file()]
    if any(entry.stat().st_size < _PREAMBLE for entry in named):
        raise _Refused(_DAMAGED)
    return files


def _images(objects: list[tuple[pydicom.FileDataset, str]]) -> list[tuple[pydicom.FileDataset, str]]:
    """The objects with pixels, without those of another kind; an image may not have lost its pixels."""
    images = [item for item in objects if any(tag in item[0] for tag in _PIXELS)]
    if not images:
        raise _Refused("its DICOM data have no pixel data; give a series of images")
    series = {dataset.get("SeriesInstanceUID") for dataset, _ in images}
    classes = {dataset.file_meta.get("MediaStorageSOPClassUID") for dataset, _ in images}
    for dataset, _ in objects:
        kind = dataset.file_meta.get("MediaStorageSOPClassUID")
        of_the_series = "Rows" in dataset or kind in classes or dataset.get("SeriesInstanceUID") in series
        if of_the_series and not any(tag in dataset for tag in _PIXELS):
            raise _Refused(_DAMAGED)
    return images


def _check_one_series(datasets: list[pydicom.FileDataset]) -> None:
    """Slices of one series: single frames, gray, with geometry, of one size and spacing."""
    series = {str(dataset.get("SeriesInstanceUID", "")) for dataset in datasets}
    if len(series) > 1:
        raise _Refused(f"holds {len(series)} DICOM series; put each in a folder of its own and give one")
    for dataset in datasets:
        if int(dataset.get("NumberOfFrames") or 1) > 1:
            raise _Refused(f"is multi-frame (enhanced) DICOM; {_CONVERT}")
        if int(dataset.get("SamplesPerPixel") or 1) > 1:
            raise _Refused("is a colour image, not MRI data; give the original series")
        if not all(dataset.get(tag) for tag in _GEOMETRY):
            raise _Refused(f"its DICOM data have no slice position, orientation or spacing; {_CONVERT}")
    if len({(data.get("Rows"), data.get("Columns"), tuple(data.PixelSpacing)) for data in datasets}) > 1:
        raise _Refused("its slices differ in size or spacing; give a folder of one DICOM series")


def _distances(datasets: list[pydicom.FileDataset]) -> tuple[np.ndarray, np.ndarray]:
    """Distances in mm of parallel slices from the origin along their normal, (slices,), and it, (3,), in LPS."""
    orientation = np.array([dataset.ImageOrientationPatient for dataset in datasets], dtype=float)
    if np.abs(orientation - orientation[0]).max() > 1e-3:
        raise _Refused("its slices are not parallel (a localiser?); give a folder of one DICOM series")
    normal = np.cross(orientation[0, :3], orientation[0, 3:])
    position = np.array([dataset.ImagePositionPatient for dataset in datasets], dtype=float)
    return position @ normal, normal


def _check_spacing(distance: np.ndarray) -> None:
    """Sorted distances in mm must be even: no slice is missing, none repeated."""
    gaps = np.diff(distance)
    if gaps.size == 0:
        return
    repeated = int((gaps < 1e-3).sum())
    if repeated:
        raise _Refused(
            f"{repeated} of {distance.size} DICOM slices repeat a position (several echoes, times?); "
            "put each volume in a folder of its own"
        )
    spacing = float(np.median(gaps))
    if np.abs(gaps - spacing).max() > max(0.02 * spacing, 0.01):
        missing = int(np.round(gaps / spacing - 1).clip(0).sum())
        about = f"about {missing} missing" if missing else "positions are irregular"
        raise _Refused(f"its DICOM slices are unevenly spaced ({about}); export the complete series again")
