"""DICOM files of a folder: found, opened without identity, behind the checks that each is whole."""

from __future__ import annotations

import errno
import io
import os
import zlib
from collections.abc import Iterable, MutableSequence, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pydicom
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ...checks import check_file
from ...errors import refusing, silent

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
# fmt: off
_NUMBERS = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2} | dict.fromkeys((
    "SliceThickness", "SpacingBetweenSlices", "InstanceNumber", "SeriesNumber", "SamplesPerPixel",
    "NumberOfFrames", "Rows", "Columns", "RescaleSlope", "RescaleIntercept", "RepetitionTime", "EchoTime",
    "EffectiveEchoTime", "InversionTime",
), 1)
"""Elements that are calculated with, and how many numbers each has if it is not empty."""
_LARGEST = 1e12
# Only these elements are read: no name, number or date of a patient ever gets into memory or into a message.
_TAGS = {
    *PIXELS, *_NUMBERS,
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality", "ImageType", "FrameType",
    "MRAcquisitionType", "SequenceName", "PulseSequenceName", "ScanningSequence",
    "InPlanePhaseEncodingDirection", "TriggerTime", "TemporalPositionIdentifier", "TemporalPositionIndex",
    "DiffusionBValue", "AcquisitionNumber", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", "PhotometricInterpretation", "ModalityLUTSequence", "PlanarConfiguration",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
}
# fmt: on
_PREAMBLE = 132
"""Bytes before the first element of a DICOM file."""
_NAMES = (".dcm", ".ima")
_MOST_INFLATED = 1 << 28
_MOST_PIXELS = 512
"""Pixels that a byte of several frames can stand for: 64 by run lengths, of a bit each."""
_DEFERRED = 4096
"""Elements of more bytes are read when they are asked for."""
silent_pydicom = partial(silent, "pydicom")
_GIVE = "give a folder of one DICOM series or a NIfTI file"


def visible(folder: Path) -> list[Path]:
    """Entries of a folder, sorted, without hidden ones (such as "._a.nii.gz", or what a killed run left)."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def visible_files(folder: Path) -> list[Path]:
    """All but folders in a folder and its subfolders, sorted, without hidden ones.

    Links to nothing and pipes are among them, and folders that may not be read; links to folders are not followed.
    """
    closed: list[OSError] = []
    entries = []
    for parent, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        entries += [Path(parent, name) for name in files if not name.startswith(".")]
    return sorted([*entries, *(Path(error.filename) for error in closed)])


def check_readable(entries: Iterable[Path]) -> None:
    """Raise a PermissionError for the first folder among :func:`visible_files`: it may not be read."""
    for folder in (entry for entry in entries if entry.is_dir()):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def begins_as_dicom(start: bytes) -> bool:
    """Whether a file that begins so is DICOM: by its preamble or, without one, by its first element."""
    if start[128:132] == b"DICM":
        return True
    if len(start) < _PREAMBLE or start[:2] not in (b"\x02\0", b"\x08\0") or start[3] != 0:
        return False
    explicit = start[4:6].isalpha() and start[4:6].isupper()
    return explicit or int.from_bytes(start[4:8], "little") < 1 << 10


def is_dicom(path: Path) -> bool:
    """Whether ``path`` is a DICOM file, by its content or, be it damaged, unreadable, or no file, by its name."""
    if path.name.upper() == "DICOMDIR" or path.is_dir():
        return False
    if path.suffix.lower() in _NAMES:
        return True
    try:
        return path.is_file() and begins_as_dicom(_start(path))
    except PermissionError:
        return False


def _start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_PREAMBLE)


class Refused(ValueError):
    """Why DICOM files cannot be read, without their path."""


def damaged(file: Path) -> Refused:
    """What is said of a file that is damaged."""
    return Refused(f"its file {file.name} is damaged or truncated; export the series again")


def reading(file: Path) -> AbstractContextManager[None]:
    """Around calls of pydicom alone, which has errors of all types for what is damaged."""
    return refusing(damaged(file), Exception)


def dicom_files(path: Path) -> list[Path]:
    """All DICOM files of a folder and its subfolders, or the file itself; hidden ones are left out.

    Raises:
        Refused: if there is none, or one is no readable DICOM.
        FileNotFoundError: if one is a link to nothing.
        PermissionError: if one, or a subfolder, may not be read.
        ValueError: if one is a pipe.
    """
    if path.is_file():
        return [path]
    entries = visible_files(path)
    check_readable(entries)
    files = [entry for entry in entries if is_dicom(entry)]
    if not files:
        what = "is empty" if not entries else "holds no DICOM file"
        raise Refused(f"the folder {what}; {_GIVE}")
    for entry in (entry for entry in entries if entry in files or _may_be_dicom(entry)):
        check_file(entry)
        start = _start(entry)
        numbered = not start and any(map(str.isdigit, entry.name))  # empty, with a slice's name
        unfinished = (len(start) == _PREAMBLE and not any(start)) or numbered  # copies
        if unfinished or (entry in files and not begins_as_dicom(start)):
            raise Refused(f"its file {entry.name} is no readable DICOM; export the series again")
    return files


def _may_be_dicom(path: Path) -> bool:
    """Whether a file that does not begin as DICOM may have been one: it has no suffix, or is named by its UID."""
    suffix = path.suffix.removeprefix(".")
    return (not suffix or suffix.isdecimal()) and path.name.upper() != "DICOMDIR"


def open_images(files: Sequence[Path]) -> list[tuple[pydicom.FileDataset, Path]]:
    """Open files without their pixels, which are read when asked for; Refused if one is damaged, or no image."""
    return _images([(open_file(file), file) for file in files])


class _Bounded(io.BufferedReader):
    """A file that asks for no more memory than what is left of it, or what one image can have inflated."""

    def __init__(self, file: str, mode: str = "rb") -> None:
        super().__init__(io.FileIO(file, mode))
        self._size = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._size - self.tell(), 0)
        if size is not None and size >= 0:
            return super().read(min(size, left))
        data, unpack = super().read(left), zlib.decompressobj(-zlib.MAX_WBITS)
        unpack.decompress(data, _MOST_INFLATED)  # pydicom asks so for what is deflated alone
        if unpack.unconsumed_tail:
            raise EOFError("inflates without end")
        return data


def open_file(file: Path) -> pydicom.FileDataset:
    """Data set of a file, of the elements that an image needs, converted; its pixels are read when they are asked for.

    Raises:
        Refused: if it does not begin as DICOM, or is damaged.
    """
    if not begins_as_dicom(_start(file)):
        raise Refused("cannot be read as DICOM, it is damaged or something else; export it again")
    with reading(file), _Bounded(str(file)) as stream:
        dataset = pydicom.dcmread(stream, specific_tags=list(_TAGS), force=True, defer_size=_DEFERRED)
    dataset.fileobj_type = _Bounded  # with which pydicom reads what it left out
    _convert(dataset, file)
    _convert(dataset.file_meta, file)
    if "TransferSyntaxUID" not in dataset.file_meta:  # no preamble, no file meta information
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _convert(dataset: pydicom.Dataset, file: Path) -> None:
    """Have pydicom convert what is needed, inside sequences too, which else it does when an element is asked for."""
    for tag in list(dataset.keys()):
        name = keyword_for_tag(tag)
        nested = bool(name) and dictionary_VR(tag) == "SQ"
        if name in PIXELS or not (nested or tag.group == 2 or name in _TAGS):
            continue
        with reading(file):
            value = dataset[tag].value
        if nested:
            if not isinstance(value, (pydicom.Sequence, type(None))):
                raise damaged(file)
            for item in value or ():
                _convert(item, file)
        elif name in _NUMBERS and value not in (None, ""):
            numbers = list(value) if isinstance(value, MutableSequence) else [value]
            if len(numbers) not in (0, _NUMBERS[name]) or not all(map(_is_number, numbers)):
                raise damaged(file)
            if name in ("PixelSpacing", "NumberOfFrames") and min(numbers, default=0) < 0:
                raise damaged(file)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and abs(value) < _LARGEST  # not NaN


def _images(objects: list[tuple[pydicom.FileDataset, Path]]) -> list[tuple[pydicom.FileDataset, Path]]:
    """The objects with pixels, without those of another kind; an image may not have lost its pixels."""
    images = [item for item in objects if any(tag in item[0] for tag in PIXELS)]
    if not images:
        raise Refused("its DICOM data have no pixel data; give a series of images")
    for dataset, file in images:
        frames, rows, columns = (int(dataset.get(name) or 1) for name in ("NumberOfFrames", "Rows", "Columns"))
        if frames > 1 and frames * rows * columns > _MOST_PIXELS * file.stat().st_size:
            raise damaged(file)
    series = {str(dataset.get("SeriesInstanceUID")) for dataset, _ in images}
    classes = {_class(dataset) for dataset, _ in images}
    for dataset, file in objects:
        of_the_series = (
            "Rows" in dataset or _class(dataset) in classes or str(dataset.get("SeriesInstanceUID")) in series
        )
        if of_the_series and not any(tag in dataset for tag in PIXELS):
            raise damaged(file)
    return images


def _class(dataset: pydicom.FileDataset) -> str:
    return str(dataset.file_meta.get("MediaStorageSOPClassUID") or dataset.get("SOPClassUID"))
