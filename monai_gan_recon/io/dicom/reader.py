"""Slices of one DICOM volume: MONAI's PydicomReader behind the checks of a series."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
from monai.data import PydicomReader

from .frames import single_frames

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
# Only these elements are read: no name, number or date of a patient ever gets into memory or into a message.
_TAGS = [
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
DAMAGED = "a DICOM file in it is damaged or truncated; export the series again"
_CONVERT = "convert it to NIfTI (for example with dcm2niix) and give that"
_UNDECODED = (
    "its DICOM pixel data cannot be decoded (truncated, or compressed: pip install 'monai-gan-recon[dicom]' "
    "brings decoders)"
)
_DEFERRED = 4096
"""Elements of more bytes are read when they are asked for."""
_GIVE = "give a folder of one DICOM series or a NIfTI file"
READ_ERRORS = (EOFError, OSError, ValueError, KeyError, TypeError, OverflowError)


def is_dicom(path: Path) -> bool:
    """Whether ``path`` is a DICOM file (by its preamble)."""
    return path.is_file() and path.name.upper() != "DICOMDIR" and pydicom.misc.is_dicom(path)


class Refused(Exception):
    """Why DICOM files cannot be read, without their path."""


def open_images(files: Sequence[Path]) -> list[tuple[pydicom.FileDataset, Path]]:
    """Open files without their pixels, which are read when they are asked for.

    Raises:
        Refused: if one is damaged, or none is an image.
    """
    try:  # pydicom converts elements when they are asked for
        opened = [
            (pydicom.dcmread(file, specific_tags=list(_TAGS), defer_size=_DEFERRED), file) for file in files
        ]
        return _images(opened)
    except (pydicom.errors.InvalidDicomError, *READ_ERRORS) as error:
        raise Refused(DAMAGED) from error


def read_slices(slices: Sequence[tuple[Path, int | None]]) -> tuple[np.ndarray, np.ndarray]:
    """Volume and affine of the slices of one volume.

    The slices are ordered by their position along the slice normal (as GDCM and SimpleITK do), not by their
    instance numbers.

    Args:
        slices: file and frame of each; frame None: the only one.

    Returns:
        array (columns, rows, slices) with the rescale slope applied, and the (4, 4) affine in RAS and mm.

    Raises:
        Refused: for whatever keeps them from being read.
    """
    try:
        datasets = _datasets(slices)
        _check_slices(datasets)
        distance, normal = _distances(datasets)
        thickness = float(datasets[0].get("SliceThickness") or 1.0)
    except (pydicom.errors.InvalidDicomError, *READ_ERRORS) as error:
        raise Refused(DAMAGED) from error
    _check_spacing(np.sort(distance))
    order = np.argsort(distance, kind="stable")
    for rank, index in enumerate(order):
        datasets[index].InstanceNumber = rank + 1
    reader = PydicomReader(channel_dim="no_channel", prune_metadata=True)
    reader.has_series, reader.filenames = True, [[str(slices[index][0]) for index in order]]
    try:
        array, meta = reader.get_data([datasets[index] for index in order])
    except Exception as error:  # whatever a decoder raises: no plugin, truncated pixels, ...
        raise Refused(_UNDECODED) from error
    affine = np.asarray(meta["affine"], dtype=np.float64)
    if array.ndim == 2:  # one slice: MONAI leaves the third column at (0, 0, 1)
        array = array[..., None]
        affine[:3, 2] = normal * thickness * (-1, -1, 1)
    return np.asarray(array), affine


def _datasets(slices: Sequence[tuple[Path, int | None]]) -> list[pydicom.Dataset]:
    """Every slice as a data set of one frame with its pixels."""
    datasets: list[pydicom.Dataset] = []
    enhanced: dict[Path, tuple[list[pydicom.Dataset], np.ndarray]] = {}
    for file, frame in slices:
        if file not in enhanced:
            dataset = pydicom.dcmread(file, specific_tags=list(_TAGS))
            frames = single_frames(dataset)
            if frames == [dataset]:
                datasets.append(dataset)
                continue
            enhanced[file] = frames, _pixels(dataset)
        frames, pixels = enhanced[file]
        one = frames[frame or 0]
        one.PixelData = pixels[frame or 0].tobytes()
        one.file_meta = pydicom.dataset.FileMetaDataset()
        one.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        datasets.append(one)
    return datasets


def _pixels(dataset: pydicom.FileDataset) -> np.ndarray:
    """Stored values of an enhanced image, (frames, rows, columns)."""
    try:
        pixels = np.asarray(dataset.pixel_array)
    except Exception as error:
        raise Refused(_UNDECODED) from error
    return pixels.reshape(-1, *pixels.shape[-2:])


@contextmanager
def silent_pydicom() -> Iterator[None]:
    """Without pydicom's warnings and log, in which it quotes the values of elements."""
    logger = logging.getLogger("pydicom")
    disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = disabled


def dicom_files(path: Path) -> list[Path]:
    """All DICOM files of a folder and its subfolders, or the file itself.

    Raises:
        Refused: if there is none, or one is too short to be one.
    """
    if path.is_file():
        return [path]
    entries = sorted(entry for entry in path.rglob("*") if entry.is_file())
    files = [entry for entry in entries if is_dicom(entry)]
    if not files:
        what = "is empty" if not entries else "holds no DICOM file"
        raise Refused(f"the folder {what}; {_GIVE}")
    if any(entry.stat().st_size < _PREAMBLE for entry in entries if entry.suffix.lower() == ".dcm"):
        raise Refused(DAMAGED)
    return files


def _images(objects: list[tuple[pydicom.FileDataset, Path]]) -> list[tuple[pydicom.FileDataset, Path]]:
    """The objects with pixels, without those of another kind; an image may not have lost its pixels."""
    images = [item for item in objects if any(tag in item[0] for tag in _PIXELS)]
    if not images:
        raise Refused("its DICOM data have no pixel data; give a series of images")
    series = {dataset.get("SeriesInstanceUID") for dataset, _ in images}
    classes = {dataset.file_meta.get("MediaStorageSOPClassUID") for dataset, _ in images}
    for dataset, _ in objects:
        kind = dataset.file_meta.get("MediaStorageSOPClassUID")
        of_the_series = "Rows" in dataset or kind in classes or dataset.get("SeriesInstanceUID") in series
        if of_the_series and not any(tag in dataset for tag in _PIXELS):
            raise Refused(DAMAGED)
    return images


def _check_slices(datasets: list[pydicom.Dataset]) -> None:
    """Slices in gray, with geometry, of one size and spacing."""
    for dataset in datasets:
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
        raise Refused(
            f"{repeated} of {distance.size} DICOM slices repeat a position (several echoes, times?); "
            "put each volume in a folder of its own"
        )
    spacing = float(np.median(gaps))
    if np.abs(gaps - spacing).max() > max(0.02 * spacing, 0.01):
        missing = int(np.round(gaps / spacing - 1).clip(0).sum())
        about = f"about {missing} missing" if missing else "positions are irregular"
        raise Refused(f"its DICOM slices are unevenly spaced ({about}); export the complete series again")
