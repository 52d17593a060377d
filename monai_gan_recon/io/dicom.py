"""One complete DICOM series from a folder, by pydicom, behind the checks of a series."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
# Only these elements are read: no name, number or date of a patient ever gets into memory or into a message.
_TAGS = [
    "SOPClassUID",
    "ImageType",
    "InstanceNumber",
    "SeriesInstanceUID",
    *_GEOMETRY,
    "SliceThickness",
    "SpacingBetweenSlices",
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
_NAMES = (".dcm", ".ima")
_DAMAGED = "a DICOM file in it is damaged or truncated; export the series again"
_CONVERT = "convert it to NIfTI (for example with dcm2niix) and give that"
_GIVE = "give a folder of one DICOM series or a NIfTI file"
logger = logging.getLogger(__name__)


def visible(folder: Path) -> list[Path]:
    """Entries of a folder, sorted, without hidden ones (such as "._a.nii.gz", or what a killed run left)."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def check_link(path: Path) -> None:
    """Raise a FileNotFoundError if a path is a link to nothing."""
    if path.is_symlink() and not path.exists():
        raise FileNotFoundError(
            f"{path}: is a link to a file that is not here; fetch it first (for example with `datalad get`)"
        )


def begins_as_dicom(start: bytes) -> bool:
    """Whether a file that begins so is DICOM: by its preamble or, without one, by its first element."""
    if start[128:132] == b"DICM":
        return True
    if len(start) < _PREAMBLE or start[:2] not in (b"\x02\0", b"\x08\0") or start[3] != 0:
        return False
    explicit = start[4:6].isalpha() and start[4:6].isupper()
    return explicit or int.from_bytes(start[4:8], "little") < 1 << 10


def is_dicom(path: Path) -> bool:
    """Whether ``path`` is a DICOM file, by its content or, be it damaged or a link to nothing, by its name."""
    if path.name.upper() == "DICOMDIR" or path.is_dir():
        return False
    if path.suffix.lower() in _NAMES:
        return True
    return path.is_file() and begins_as_dicom(_start(path))


def _start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_PREAMBLE)


def read_dicom(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Volume and affine of a DICOM folder (one series) or file (a volume of one slice).

    The slices are ordered by their position along the slice normal (as GDCM and SimpleITK do), not by their
    instance numbers. Files that are not DICOM are skipped, and so are DICOM objects of another kind beside
    images, such as reports. A file that cannot be read, or an image without its pixels, is refused, and so is a series
    that has lost slices. Where the least value is white (MONOCHROME1) it becomes black.

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
    files = _files(path) if path.is_dir() else [path]
    try:  # pydicom converts elements when they are asked for
        datasets = _images([_open(file) for file in files])
        _check_one_series(datasets)
        distance, normal = _distances(datasets)
        order = np.argsort(distance, kind="stable")
        datasets = [datasets[index] for index in order]
        spacing = _check_spacing(distance[order])
        affine = _affine(datasets, normal)
        _check_complete(datasets, spacing)
    except _Refused:
        raise
    except Exception as error:  # pydicom has many for what is damaged
        raise _Refused(_DAMAGED) from error
    try:
        slices = [_pixels(dataset) for dataset in datasets]
    except Exception as error:  # whatever a decoder raises: no plugin, truncated pixels, ...
        raise _Refused(
            f"its DICOM pixel data cannot be decoded (truncated, or compressed); {_CONVERT}"
        ) from error
    if any(one.shape != (datasets[0].Rows, datasets[0].Columns) for one in slices):
        raise _Refused(_DAMAGED)
    volume = np.stack(slices).T
    inverted = {str(dataset.get("PhotometricInterpretation")) == "MONOCHROME1" for dataset in datasets}
    if inverted == {True}:
        wide = volume if volume.dtype.kind == "f" else volume.astype(np.int64)
        volume = wide.max() - wide
    elif len(inverted) > 1:
        raise _Refused("some of its slices have white for the least value (MONOCHROME1), others black")
    return volume, affine


@contextmanager
def _silent_pydicom() -> Iterator[None]:
    """Without pydicom's warnings and log, in which it quotes the values of elements."""
    log = logging.getLogger("pydicom")
    disabled, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = disabled


def _files(folder: Path) -> list[Path]:
    entries = visible(folder)
    files = [entry for entry in entries if is_dicom(entry)]
    if not files:
        what = "is empty" if not entries else "holds no DICOM file"
        raise _Refused(f"the folder {what}; {_GIVE}")
    for entry in entries:
        check_link(entry)
        start = _start(entry) if entry.is_file() else b""
        blank = len(start) == _PREAMBLE and not any(start)  # a copy that was not finished
        if blank or (entry in files and not begins_as_dicom(start)):
            raise _Refused(f"its file {entry.name} is no readable DICOM; export the series again")
    return files


def _open(file: Path) -> pydicom.FileDataset:
    if not begins_as_dicom(_start(file)):
        raise _Refused("cannot be read as DICOM, it is damaged or something else; export it again")
    dataset = pydicom.dcmread(file, specific_tags=list(_TAGS), force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:  # no preamble, no file meta information
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _images(objects: list[pydicom.FileDataset]) -> list[pydicom.FileDataset]:
    """The objects with pixels, without those of another kind; an image may not have lost its pixels."""
    images = [item for item in objects if any(tag in item for tag in _PIXELS)]
    if not images:
        raise _Refused("its DICOM data have no pixel data; give a series of images")
    series = {str(dataset.get("SeriesInstanceUID")) for dataset in images}
    classes = {_class(dataset) for dataset in images}
    for dataset in objects:
        of_the_series = (
            "Rows" in dataset or _class(dataset) in classes or str(dataset.get("SeriesInstanceUID")) in series
        )
        if of_the_series and not any(tag in dataset for tag in _PIXELS):
            raise _Refused(_DAMAGED)
    return images


def _class(dataset: pydicom.FileDataset) -> str:
    return str(dataset.file_meta.get("MediaStorageSOPClassUID") or dataset.get("SOPClassUID"))


def _check_one_series(datasets: list[pydicom.FileDataset]) -> None:
    """Slices of one series: single frames, gray, with geometry, of one size and spacing."""
    series = {str(dataset.get("SeriesInstanceUID", "")) for dataset in datasets}
    if len(series) > 1:
        raise _Refused(f"holds {len(series)} DICOM series; put each in a folder of its own and give one")
    for dataset in datasets:
        if int(dataset.get("NumberOfFrames") or 1) > 1:
            raise _Refused(f"is multi-frame (enhanced) DICOM; {_CONVERT}")
        if "MOSAIC" in str(dataset.get("ImageType") or "").upper():
            raise _Refused(f"is a mosaic (many slices as tiles of one image); {_CONVERT}")
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
    axes = orientation[0].reshape(2, 3)
    if np.abs(axes @ axes.T - np.eye(2)).max() > 1e-2:
        raise _Refused(
            "the directions of its rows and columns are not at right angles; the header is damaged"
        )
    normal = np.cross(*axes)
    return _positions(datasets) @ normal, normal


def _positions(datasets: list[pydicom.FileDataset]) -> np.ndarray:
    return np.array([dataset.ImagePositionPatient for dataset in datasets], dtype=float)


def _check_spacing(distance: np.ndarray) -> float | None:
    """Sorted distances in mm must be even: no slice is missing, none repeated; what lies between two."""
    gaps = np.diff(distance)
    if gaps.size == 0:
        return None
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
    return spacing


def _check_complete(datasets: list[pydicom.FileDataset], spacing: float | None) -> None:
    """Refuse a sorted series of which every second slice (third, ...) is left; warn if only one sign says so."""
    if spacing is None:
        return
    stated = float(datasets[0].get("SpacingBetweenSlices") or 0)
    times = spacing / stated if stated > 0 else 1.0
    wider = times > 1.5 and abs(times - round(times)) < 0.05 * times
    numbers = [data.get("InstanceNumber") for data in datasets]
    steps = (
        set(np.abs(np.diff([int(number) for number in numbers])))
        if all(n is not None for n in numbers)
        else {1}
    )
    if wider and steps == {round(times)}:
        raise _Refused(
            f"its DICOM slices are {spacing:g} mm apart, the header says {stated:g} mm, and one in {round(times)} of "
            "the instance numbers is there: slices are missing; export the complete series again"
        )
    if wider or (len(steps) == 1 and min(steps) > 1):
        logger.warning(
            "%d DICOM slices, %g mm apart: instance numbers (from %s to %s) or spacing (%g mm) in the header say that "
            "slices are missing",
            len(datasets),
            spacing,
            numbers[0],
            numbers[-1],
            stated,
        )


def _affine(datasets: list[pydicom.FileDataset], normal: np.ndarray) -> np.ndarray:
    """(4, 4) affine of (column, row, slice) in RAS and mm."""
    positions, first = _positions(datasets), datasets[0]
    last = len(positions) - 1
    step = (positions[-1] - positions[0]) / last if last else normal * float(first.get("SliceThickness") or 1)
    off = np.abs(positions - positions[0] - np.arange(last + 1)[:, None] * step).max()
    if off > max(0.05 * np.linalg.norm(step), 0.05):
        raise _Refused(f"its DICOM slices are shifted against each other by up to {off:.3g} mm; {_CONVERT}")
    down, across = (float(length) for length in first.PixelSpacing)
    row, column = np.array(first.ImageOrientationPatient, dtype=float).reshape(2, 3)
    affine = np.eye(4)
    affine[:3] = np.stack([row * across, column * down, step, positions[0]], axis=1)
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _pixels(dataset: pydicom.FileDataset) -> np.ndarray:
    """Values (rows, columns) of a slice; an empty slope or intercept counts as none."""
    stored = dataset.pixel_array
    slope, intercept = _number(dataset, "RescaleSlope", 1.0), _number(dataset, "RescaleIntercept", 0.0)
    if (slope, intercept) == (1.0, 0.0):
        return np.asarray(stored.astype(stored.dtype.newbyteorder("=")))
    return np.asarray((stored.astype(np.float64) * slope + intercept).astype(np.float32))


def _number(dataset: Any, name: str, default: float) -> float:
    value = dataset.get(name)
    return default if value is None or value == "" else float(value)
