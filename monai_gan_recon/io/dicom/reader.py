"""Slices of one DICOM volume, by pydicom, behind the checks of a series."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from ...errors import refusing
from ..geometry import of_slices
from .files import GEOMETRY, Refused, damaged, open_file
from .frames import single_frames

_CONVERT = "convert it to NIfTI (for example with dcm2niix) and give that"
_UNDECODED = "its DICOM pixel data cannot be decoded, they are truncated or damaged; export the series again"
_MOST_TIMES = 1e6
Frame = tuple[pydicom.Dataset, pydicom.FileDataset, int, Path]
"""Data set of one frame, the one with its pixels, its place in it, and the file."""
logger = logging.getLogger(__name__)


def read_slices(slices: Sequence[tuple[Path, int | None]], whole: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Volume and affine of the slices of one volume: file and frame of each (None: the only one).

    The slices are ordered by their position along the slice normal (as GDCM and SimpleITK do), not by their
    instance numbers. A series that has lost slices is refused; if the slices are the ``whole`` series, instance numbers
    tell it, too. Where the least value is white (MONOCHROME1) it becomes black.

    Returns:
        array (columns, rows, slices) with the rescale slope applied, and the (4, 4) affine in RAS and mm.

    Raises:
        Refused: for whatever keeps them from being read.
    """
    items, affine = place_slices(slices, whole)
    datasets = [item[0] for item in items]
    values = [_pixels(*item) for item in items]
    volume = np.stack(values).T
    inverted = {str(dataset.get("PhotometricInterpretation")) == "MONOCHROME1" for dataset in datasets}
    if inverted == {True}:
        wide = volume if volume.dtype.kind == "f" else volume.astype(np.int64)
        volume = wide.max() - wide
    elif len(inverted) > 1:
        raise Refused("some of its slices have white for the least value (MONOCHROME1), others black")
    return volume, affine


def place_slices(slices: Sequence[tuple[Path, int | None]], whole: bool = True) -> tuple[list[Frame], np.ndarray]:
    """Frames of the slices in order, and their affine, as :func:`read_slices` has them: what headers alone tell."""
    items = _frames(slices)
    datasets = [item[0] for item in items]
    _check_slices(datasets)
    distance = _distances(datasets)
    order = np.argsort(distance, kind="stable")
    items = [items[index] for index in order]
    datasets = [item[0] for item in items]
    spacing = _check_spacing(distance[order])
    affine = _affine(datasets)
    if whole:
        _check_complete(datasets, spacing)
    return items, affine


def _frames(slices: Sequence[tuple[Path, int | None]]) -> list[Frame]:
    """Every slice as a data set of one frame, the one with its pixels, its place in it, and the file."""
    files: dict[Path, tuple[pydicom.FileDataset, list[pydicom.Dataset]]] = {}
    for file in dict.fromkeys(file for file, _ in slices):
        dataset = open_file(file)
        files[file] = dataset, single_frames(dataset)
    return [(files[file][1][frame or 0], files[file][0], frame or 0, file) for file, frame in slices]


def is_colour(dataset: pydicom.Dataset) -> bool:
    """Whether an image has colours, of their own or from a palette."""
    palette = str(dataset.get("PhotometricInterpretation")) == "PALETTE COLOR"
    return palette or int(dataset.get("SamplesPerPixel") or 1) > 1


def is_mosaic(dataset: pydicom.Dataset) -> bool:
    """Whether an image holds many slices as tiles, as Siemens writes them."""
    return "MOSAIC" in str(dataset.get("ImageType") or "").upper()


def _check_slices(datasets: list[pydicom.Dataset]) -> None:
    """Slices in gray, with geometry, of one size and spacing."""
    for dataset in datasets:
        if is_mosaic(dataset):
            raise Refused(f"is a mosaic (many slices as tiles of one image); {_CONVERT}")
        if is_colour(dataset):
            raise Refused("is a colour image, not MRI data; give the original series")
        if dataset.get("ModalityLUTSequence"):
            raise Refused(f"tells its values by a table (Modality LUT); {_CONVERT}")
        if not all(dataset.get(tag) for tag in GEOMETRY):
            raise Refused(f"its DICOM data have no slice position, orientation or spacing; {_CONVERT}")
    if len({(data.get("Rows"), data.get("Columns"), tuple(data.PixelSpacing)) for data in datasets}) > 1:
        raise Refused("its slices differ in size or spacing; give a folder of one DICOM series")


def _distances(datasets: list[pydicom.Dataset]) -> np.ndarray:
    """Distances in mm (slices,) of parallel slices from the origin along their normal."""
    orientation = np.array([dataset.ImageOrientationPatient for dataset in datasets], dtype=float)
    if np.abs(orientation - orientation[0]).max() > 1e-3:
        raise Refused("its slices are not parallel (a localiser?); give a folder of one DICOM series")
    axes = orientation[0].reshape(2, 3)
    if np.abs(axes @ axes.T - np.eye(2)).max() > 1e-2:
        raise Refused("the directions of its rows and columns are not at right angles; the header is damaged")
    return np.asarray(_positions(datasets) @ np.cross(*axes))


def _positions(datasets: list[pydicom.Dataset]) -> np.ndarray:
    return np.array([dataset.ImagePositionPatient for dataset in datasets], dtype=float)


def _check_spacing(distance: np.ndarray) -> float | None:
    """Sorted distances in mm must be even: no slice is missing, none repeated; what lies between two."""
    gaps = np.diff(distance)
    if gaps.size == 0:
        return None
    repeated = int((gaps < 1e-3).sum())
    if repeated:
        raise Refused(
            f"{repeated} of {distance.size} DICOM slices repeat a position (several echoes, times?); "
            "put each volume in a folder of its own"
        )
    spacing = float(np.median(gaps))
    if np.abs(gaps - spacing).max() > max(0.02 * spacing, 0.01):
        missing = int(np.round(gaps / spacing - 1).clip(0).sum())
        about = f"about {missing} missing" if missing else "positions are irregular"
        raise Refused(f"its DICOM slices are unevenly spaced ({about}); export the complete series again")
    return spacing


def _check_complete(datasets: list[pydicom.Dataset], spacing: float | None) -> None:
    """Refuse a sorted series of which every second slice (third, ...) is left; warn if only one sign says so."""
    if spacing is None:
        return
    stated = float(datasets[0].get("SpacingBetweenSlices") or 0)
    times = spacing / stated if stated > 0 else 1.0
    wider = 1.5 < times < _MOST_TIMES and abs(times - round(times)) < 0.05 * times
    numbers = [data.get("InstanceNumber") for data in datasets]
    steps = {1} if None in numbers else set(np.abs(np.diff([int(number) for number in numbers])))
    if wider and steps == {round(times)}:
        raise Refused(
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


def _affine(datasets: list[pydicom.Dataset]) -> np.ndarray:
    """(4, 4) affine of (column, row, slice) in RAS and mm."""
    positions = _positions(datasets)
    even = np.linspace(positions[0], positions[-1], len(positions))
    off = np.abs(positions - even).max()
    if off > max(0.05 * np.linalg.norm(positions[-1] - positions[0]) / max(len(positions) - 1, 1), 0.05):
        raise Refused(f"its DICOM slices are shifted against each other by up to {off:.3g} mm; {_CONVERT}")
    return of_slices(datasets[0], positions)


def _pixels(frame: pydicom.Dataset, whole: pydicom.FileDataset, place: int, file: Path) -> np.ndarray:
    """Values (rows, columns) of a slice; an empty slope or intercept counts as none."""
    syntax = whole.file_meta.TransferSyntaxUID
    if not _decodes(syntax):
        raise Refused(
            f"its transfer syntax ({syntax.keyword or 'unknown'}) is not decoded by what is installed; "
            "pip install 'monai-gan-recon[dicom]' brings decoders"
        )
    with refusing(Refused(_UNDECODED), Exception):  # no plugin, truncated pixels, ...
        pixels = whole.pixel_array
    if pixels.shape[-2:] != (frame.get("Rows"), frame.get("Columns")):
        raise damaged(file)
    frames = pixels.reshape(-1, *pixels.shape[-2:])
    if place >= len(frames):
        raise damaged(file)
    stored = frames[place]
    slope, intercept = _number(frame, "RescaleSlope", 1.0), _number(frame, "RescaleIntercept", 0.0)
    if (slope, intercept) == (1.0, 0.0):
        return np.asarray(stored.astype(stored.dtype.newbyteorder("=")))
    return np.asarray((stored.astype(np.float64) * slope + intercept).astype(np.float32))


def _decodes(syntax: UID) -> bool:
    try:
        return bool(not syntax.is_encapsulated or get_decoder(syntax).is_available)
    except (NotImplementedError, ValueError):  # videos, and what pydicom does not know
        return False


def _number(dataset: Any, name: str, default: float) -> float:
    value = dataset.get(name)
    return default if value is None or value == "" else float(value)
