"""DICOM files of a folder: found, opened without identity, behind the checks that each is whole."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pydicom
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

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
_DEFERRED = 4096
"""Elements of more bytes are read when they are asked for."""
_GIVE = "give a folder of one DICOM series or a NIfTI file"


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


def open_images(files: Sequence[Path]) -> list[tuple[pydicom.FileDataset, Path]]:
    """Open files without their pixels, which are read when they are asked for.

    Raises:
        Refused: if one is damaged, or none is an image.
    """
    try:  # pydicom converts elements when they are asked for
        return _images([(open_file(file, _DEFERRED), file) for file in files])
    except Refused:
        raise
    except Exception as error:  # pydicom has many for what is damaged
        raise Refused(DAMAGED) from error


def open_file(file: Path, defer_size: int | None = None) -> pydicom.FileDataset:
    """Data set of a file, of the elements that an image needs; larger ones than ``defer_size`` bytes on demand.

    Raises:
        Refused: if it does not begin as DICOM.
    """
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
