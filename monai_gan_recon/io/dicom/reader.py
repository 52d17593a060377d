"""Slices of one DICOM volume, by pydicom, behind the checks of a series."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from .frames import single_frames

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
# Only these elements are read: no name, number or date of a patient ever gets into memory or into a message.
_TAGS = [
    "SOPClassUID",
    "InstanceNumber",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SOPInstanceUID",
    "ImageType",
    "MRAcquisitionType",
    "InPlanePhaseEncodingDirection",
    "EchoTime",
    "TriggerTime",
    "TemporalPositionIdentifier",
    "DiffusionBValue",
    "AcquisitionNumber",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    *GEOMETRY,
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
DAMAGED = "a DICOM file in it is damaged or truncated; export the series again"
_CONVERT = "convert it to NIfTI (for example with dcm2niix) and give that"
_UNDECODED = (
    "its DICOM pixel data cannot be decoded (truncated, or compressed: pip install 'monai-gan-recon[dicom]' "
    "brings decoders)"
)
_DEFERRED = 4096
"""Elements of more bytes are read when they are asked for."""
_GIVE = "give a folder of one DICOM series or a NIfTI file"
logger = logging.getLogger(__name__)


def visible(folder: Path) -> list[Path]:
    """Entries of a folder, sorted, without hidden ones (such as "._a.nii.gz", or what a killed run left)."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def visible_files(folder: Path) -> list[Path]:
    """Files (and links to nothing) in a folder and its subfolders, sorted, without hidden ones."""
    return sorted(
        entry
        for entry in folder.rglob("*")
        if not entry.is_dir() and not any(part.startswith(".") for part in entry.relative_to(folder).parts)
    )


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


class Refused(Exception):
    """Why DICOM files cannot be read, without their path."""


def open_images(files: Sequence[Path]) -> list[tuple[pydicom.FileDataset, Path]]:
    """Open files without their pixels, which are read when they are asked for.

    Raises:
        Refused: if one is damaged, or none is an image.
    """
    try:  # pydicom converts elements when they are asked for
        return _images([(_open(file, _DEFERRED), file) for file in files])
    except Refused:
        raise
    except Exception as error:  # pydicom has many for what is damaged
        raise Refused(DAMAGED) from error


def read_slices(
    slices: Sequence[tuple[Path, int | None]], whole: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Volume and affine of the slices of one volume.

    The slices are ordered by their position along the slice normal (as GDCM and SimpleITK do), not by their
    instance numbers. A series that has lost slices is refused. Where the least value is white (MONOCHROME1) it
    becomes black.

    Args:
        slices: file and frame of each; frame None: the only one.
        whole: they are all of their series, so that the instance numbers tell whether one is missing.

    Returns:
        array (columns, rows, slices) with the rescale slope applied, and the (4, 4) affine in RAS and mm.

    Raises:
        Refused: for whatever keeps them from being read.
    """
    try:
        items = _frames(slices)
        datasets = [item[0] for item in items]
        _check_slices(datasets)
        distance, normal = _distances(datasets)
        order = np.argsort(distance, kind="stable")
        items = [items[index] for index in order]
        datasets = [item[0] for item in items]
        spacing = _check_spacing(distance[order])
        affine = _affine(datasets, normal)
        if whole:
            _check_complete(datasets, spacing)
    except Refused:
        raise
    except Exception as error:
        raise Refused(DAMAGED) from error
    try:
        values = [_pixels(*item) for item in items]
    except Exception as error:  # whatever a decoder raises: no plugin, truncated pixels, ...
        raise Refused(_UNDECODED) from error
    if any(one.shape != (datasets[0].Rows, datasets[0].Columns) for one in values):
        raise Refused(DAMAGED)
    volume = np.stack(values).T
    inverted = {str(dataset.get("PhotometricInterpretation")) == "MONOCHROME1" for dataset in datasets}
    if inverted == {True}:
        wide = volume if volume.dtype.kind == "f" else volume.astype(np.int64)
        volume = wide.max() - wide
    elif len(inverted) > 1:
        raise Refused("some of its slices have white for the least value (MONOCHROME1), others black")
    return volume, affine


def _frames(
    slices: Sequence[tuple[Path, int | None]],
) -> list[tuple[pydicom.Dataset, pydicom.FileDataset, int]]:
    """Every slice as a data set of one frame, the one with its pixels, and its place in it."""
    files: dict[Path, tuple[pydicom.FileDataset, list[pydicom.Dataset]]] = {}
    for file in dict.fromkeys(file for file, _ in slices):
        dataset = _open(file)
        files[file] = dataset, single_frames(dataset)
    return [(files[file][1][frame or 0], files[file][0], frame or 0) for file, frame in slices]


@contextmanager
def silent_pydicom() -> Iterator[None]:
    """Without pydicom's warnings and log, in which it quotes the values of elements."""
    log = logging.getLogger("pydicom")
    disabled, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = disabled


def dicom_files(path: Path) -> list[Path]:
    """All DICOM files of a folder and its subfolders, or the file itself; hidden ones are left out.

    Raises:
        Refused: if there is none, or one is no readable DICOM.
        FileNotFoundError: if one is a link to nothing.
    """
    if path.is_file():
        return [path]
    entries = visible_files(path)
    files = [entry for entry in entries if is_dicom(entry)]
    if not files:
        what = "is empty" if not entries else "holds no DICOM file"
        raise Refused(f"the folder {what}; {_GIVE}")
    for entry in entries:
        check_link(entry)
        start = _start(entry)
        blank = len(start) == _PREAMBLE and not any(start)  # a copy that was not finished
        if blank or (entry in files and not begins_as_dicom(start)):
            raise Refused(f"its file {entry.name} is no readable DICOM; export the series again")
    return files


def _open(file: Path, defer_size: int | None = None) -> pydicom.FileDataset:
    if not begins_as_dicom(_start(file)):
        raise Refused("cannot be read as DICOM, it is damaged or something else; export it again")
    dataset = pydicom.dcmread(file, specific_tags=list(_TAGS), force=True, defer_size=defer_size)
    if "TransferSyntaxUID" not in dataset.file_meta:  # no preamble, no file meta information
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _images(objects: list[tuple[pydicom.FileDataset, Path]]) -> list[tuple[pydicom.FileDataset, Path]]:
    """The objects with pixels, without those of another kind; an image may not have lost its pixels."""
    images = [item for item in objects if any(tag in item[0] for tag in _PIXELS)]
    if not images:
        raise Refused("its DICOM data have no pixel data; give a series of images")
    series = {str(dataset.get("SeriesInstanceUID")) for dataset, _ in images}
    classes = {_class(dataset) for dataset, _ in images}
    for dataset, _ in objects:
        of_the_series = (
            "Rows" in dataset or _class(dataset) in classes or str(dataset.get("SeriesInstanceUID")) in series
        )
        if of_the_series and not any(tag in dataset for tag in _PIXELS):
            raise Refused(DAMAGED)
    return images


def _class(dataset: pydicom.FileDataset) -> str:
    return str(dataset.file_meta.get("MediaStorageSOPClassUID") or dataset.get("SOPClassUID"))


def is_mosaic(dataset: pydicom.Dataset) -> bool:
    """Whether an image holds many slices as tiles, as Siemens writes them."""
    return "MOSAIC" in str(dataset.get("ImageType") or "").upper()


def _check_slices(datasets: list[pydicom.Dataset]) -> None:
    """Slices in gray, with geometry, of one size and spacing."""
    for dataset in datasets:
        if is_mosaic(dataset):
            raise Refused(f"is a mosaic (many slices as tiles of one image); {_CONVERT}")
        if int(dataset.get("SamplesPerPixel") or 1) > 1:
            raise Refused("is a colour image, not MRI data; give the original series")
        if not all(dataset.get(tag) for tag in GEOMETRY):
            raise Refused(f"its DICOM data have no slice position, orientation or spacing; {_CONVERT}")
    if len({(data.get("Rows"), data.get("Columns"), tuple(data.PixelSpacing)) for data in datasets}) > 1:
        raise Refused("its slices differ in size or spacing; give a folder of one DICOM series")


def _distances(datasets: list[pydicom.Dataset]) -> tuple[np.ndarray, np.ndarray]:
    """Distances in mm of parallel slices from the origin along their normal, (slices,), and it, (3,), in LPS."""
    orientation = np.array([dataset.ImageOrientationPatient for dataset in datasets], dtype=float)
    if np.abs(orientation - orientation[0]).max() > 1e-3:
        raise Refused("its slices are not parallel (a localiser?); give a folder of one DICOM series")
    axes = orientation[0].reshape(2, 3)
    if np.abs(axes @ axes.T - np.eye(2)).max() > 1e-2:
        raise Refused("the directions of its rows and columns are not at right angles; the header is damaged")
    normal = np.cross(*axes)
    return _positions(datasets) @ normal, normal


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
    wider = times > 1.5 and abs(times - round(times)) < 0.05 * times
    numbers = [data.get("InstanceNumber") for data in datasets]
    steps = (
        set(np.abs(np.diff([int(number) for number in numbers])))
        if all(n is not None for n in numbers)
        else {1}
    )
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


def _affine(datasets: list[pydicom.Dataset], normal: np.ndarray) -> np.ndarray:
    """(4, 4) affine of (column, row, slice) in RAS and mm."""
    positions, first = _positions(datasets), datasets[0]
    last = len(positions) - 1
    step = (positions[-1] - positions[0]) / last if last else normal * float(first.get("SliceThickness") or 1)
    off = np.abs(positions - positions[0] - np.arange(last + 1)[:, None] * step).max()
    if off > max(0.05 * np.linalg.norm(step), 0.05):
        raise Refused(f"its DICOM slices are shifted against each other by up to {off:.3g} mm; {_CONVERT}")
    down, across = (float(length) for length in first.PixelSpacing)
    row, column = np.array(first.ImageOrientationPatient, dtype=float).reshape(2, 3)
    affine = np.eye(4)
    affine[:3] = np.stack([row * across, column * down, step, positions[0]], axis=1)
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _pixels(frame: pydicom.Dataset, whole: pydicom.FileDataset, place: int) -> np.ndarray:
    """Values (rows, columns) of a slice; an empty slope or intercept counts as none."""
    pixels = whole.pixel_array
    stored = pixels.reshape(-1, *pixels.shape[-2:])[place]
    slope, intercept = _number(frame, "RescaleSlope", 1.0), _number(frame, "RescaleIntercept", 0.0)
    if (slope, intercept) == (1.0, 0.0):
        return np.asarray(stored.astype(stored.dtype.newbyteorder("=")))
    return np.asarray((stored.astype(np.float64) * slope + intercept).astype(np.float32))


def _number(dataset: Any, name: str, default: float) -> float:
    value = dataset.get(name)
    return default if value is None or value == "" else float(value)
