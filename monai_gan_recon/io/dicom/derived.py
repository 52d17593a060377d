"""A volume as a derived MR series."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

from ..geometry import LPS_TO_RAS, lengths, of_slices
from .codes import code_item, complete, set_equipment
from .deidentify import stamp
from .files import silent_pydicom

_LARGEST = 2**16 - 1
# fmt: off
_DROPPED = {
    "ImageType", "InstanceNumber", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SliceLocation",
    "SpacingBetweenSlices", "WindowCenter", "WindowWidth", "WindowCenterWidthExplanation",
    "VOILUTFunction", "VOILUTSequence", "ModalityLUTSequence", "RescaleType",
    "RealWorldValueMappingSequence", "SmallestImagePixelValue", "LargestImagePixelValue",
    "SmallestPixelValueInSeries", "LargestPixelValueInSeries", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "IconImageSequence", "DigitalSignaturesSequence", "MACParametersSequence",
    "ReferencedFrameNumber", "ReferencedImageSequence", "SourceImageSequence", "NumberOfFrames",
    "DerivationDescription",
    "DerivationCodeSequence", "DimensionIndexSequence", "DimensionOrganizationSequence",
    "AcquisitionContextSequence", "PresentationLUTShape", "PlanarConfiguration",
}
# fmt: on
_MR = {"ScanningSequence": "RM", "SequenceVariant": "NONE"}
_MR_EMPTY = ("ScanOptions", "MRAcquisitionType", "EchoTime", "EchoTrainLength", "PositionReferenceIndicator")


@silent_pydicom()
def derive_series(
    volume: np.ndarray,
    affine: np.ndarray,
    source: Sequence[pydicom.Dataset],
    description: str = "reconstruction",
    derivation: str = "",
    code: Code | None = codes.DCM.IterativeReconstruction,
    offset: int = 1000,
) -> list[pydicom.FileDataset]:
    """Slices of a new series of the same study and frame of reference.

    All slices have one rescale slope and intercept and one window. Identity is that of the source.

    Args:
        volume: (X, Y, Z), real; the slices lie along the axis nearest to the source's slice axis.
        affine: (4, 4), voxel to RAS in mm.
        source: headers of the slices that it comes from, see :func:`monai_gan_recon.io.dicom.read_headers`.
        description: end of the Series Description.
        derivation: what was done, for people (Derivation Description).
        code: the same as a code; None: none fits.
        offset: the Series Number is the source's plus this.

    Returns:
        one MR Image Storage object a slice, along the slice normal.

    Raises:
        ValueError: if the affine has shears, which DICOM cannot hold, or the source lies elsewhere.
    """
    source = complete(source)
    volume, affine = _like_source(np.asarray(volume, dtype=np.float32), np.asarray(affine, dtype=float), source)
    matrix = LPS_TO_RAS @ affine
    spacing = lengths(matrix)
    axes = matrix[:3, :3] / spacing
    if np.abs(axes.T @ axes - np.eye(3)).max() > 1e-3:
        raise ValueError("the axes of the image are not at right angles, which DICOM cannot hold; write NIfTI")
    stored, slope, intercept = _quantise(volume)
    template = _template(source, description, derivation, code, offset)
    template.PixelSpacing = [_ds(spacing[1]), _ds(spacing[0])]
    template.ImageOrientationPatient = [_ds(value) for value in (*axes[:, 0], *axes[:, 1])]
    template.SpacingBetweenSlices = _ds(spacing[2])
    template.SliceThickness = template.get("SliceThickness") or _ds(spacing[2])
    template.Columns, template.Rows = volume.shape[:2]
    template.RescaleSlope, template.RescaleIntercept, template.RescaleType = slope, intercept, "US"
    _window(template, volume)
    places = np.array([header.ImagePositionPatient for header in source], dtype=float) @ axes[:, 2]
    slices = []
    for index in range(volume.shape[2]):
        position = matrix[:3, :3] @ (0, 0, index) + matrix[:3, 3]
        item = pydicom.FileDataset("", {}, file_meta=_file_meta(), preamble=b"\0" * 128)
        item.update(template)
        item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID
        item.InstanceNumber, item.ImagePositionPatient = index + 1, [_ds(value) for value in position]
        item.SliceLocation = _ds(position @ axes[:, 2])
        nearest = source[int(np.abs(places - position @ axes[:, 2]).argmin())]
        item.SourceImageSequence = [_reference(nearest)]
        item.PixelData = np.ascontiguousarray(stored[..., index].T).astype("<u2").tobytes()
        slices.append(item)
    return slices


def save_files(datasets: Iterable[pydicom.Dataset], folder: Path) -> None:
    """Write data sets as 0001.dcm, 0002.dcm and so on; names say nothing of the subject."""
    for number, dataset in enumerate(datasets, 1):
        dataset.save_as(folder / f"{number:04d}.dcm", enforce_file_format=True)


def source_affine(source: Sequence[pydicom.Dataset]) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Affine (4, 4) to RAS in mm, and (columns, rows, slices), of parallel slices in any order."""
    normal = np.cross(*np.array(source[0].ImageOrientationPatient, dtype=float).reshape(2, 3))
    positions = np.array([header.ImagePositionPatient for header in source], dtype=float)
    positions = positions[np.argsort(positions @ normal)]
    return of_slices(source[0], positions), (int(source[0].Columns), int(source[0].Rows), len(source))


def _like_source(
    volume: np.ndarray, affine: np.ndarray, source: Sequence[pydicom.Dataset]
) -> tuple[np.ndarray, np.ndarray]:
    """The volume with its axes flipped and ordered as the source's; checked to lie within it."""
    there, size = source_affine(source)
    centre = np.linalg.inv(there) @ affine @ [*(np.array(volume.shape) - 1) / 2, 1]
    if not ((centre[:3] >= -1) & (centre[:3] <= size)).all():
        raise ValueError("the source series lies elsewhere in space than the image; give the series it was made of")
    relative = np.linalg.inv(there[:3, :3]) @ affine[:3, :3]
    transform = nib.io_orientation(np.block([[relative, np.zeros((3, 1))], [np.zeros((1, 3)), np.eye(1)]]))
    turned = nib.orientations.apply_orientation(volume, transform)
    return turned, affine @ nib.orientations.inv_ornt_aff(transform, volume.shape)


def _template(
    source: Sequence[pydicom.Dataset], description: str, derivation: str, code: Code | None, offset: int
) -> pydicom.Dataset:
    """What the slices share: what the source's slices share, and what is new of the series."""
    first = source[0]
    result = pydicom.Dataset()
    for element in first:
        if element.keyword not in _DROPPED and all(_same(element, other) for other in source[1:]):
            result.add(element)
    for name in _MR_EMPTY:
        if name not in result:
            setattr(result, name, None)
    for name, value in _MR.items():
        if not result.get(name):
            setattr(result, name, value)
    result.SOPClassUID, result.Modality = MRImageStorage, "MR"
    result.SeriesInstanceUID = generate_uid()
    result.SeriesNumber = int(first.get("SeriesNumber") or 0) + offset
    result.SeriesDescription = f"{str(first.get('SeriesDescription') or '')[:40]} {description}".strip()[:64]
    result.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    result.DerivationDescription = derivation[:1024] or description
    if code is not None:
        result.DerivationCodeSequence = [code_item(code)]
    result.SamplesPerPixel, result.PhotometricInterpretation, result.PixelRepresentation = 1, "MONOCHROME2", 0
    result.BitsAllocated, result.BitsStored, result.HighBit = 16, 16, 15
    set_equipment(result)
    stamp(result)
    return result


def _same(element: pydicom.DataElement, other: pydicom.Dataset) -> bool:
    return element.tag in other and bool(other[element.tag].value == element.value)


def _quantise(volume: np.ndarray) -> tuple[np.ndarray, str, str]:
    """Stored values, slope and intercept; the whole range of 16 bits is used."""
    low = min(float(volume.min()), 0.0)
    intercept = _ds(low)
    slope = _ds((float(volume.max()) - float(intercept)) / _LARGEST or 1.0)
    stored = np.rint((volume.astype(np.float64) - float(intercept)) / float(slope))
    return stored.clip(0, _LARGEST).astype(np.uint16), slope, intercept


def _window(template: pydicom.Dataset, volume: np.ndarray) -> None:
    """One window, from 0 (or the least value) to what nearly all of the object stays under."""
    low = min(float(volume.min()), 0.0)
    there = volume[volume > low + 0.05 * (float(volume.max()) - low)]
    high = float(np.percentile(there, 99.5)) if there.size else low + 1.0
    template.WindowCenter, template.WindowWidth = _ds((low + high) / 2), _ds(high - low)
    if high - low < 1:  # the linear function has no such width
        template.VOILUTFunction = "LINEAR_EXACT"


def _reference(header: pydicom.Dataset) -> pydicom.Dataset:
    item = pydicom.Dataset()
    item.ReferencedSOPClassUID = header.get("SOPClassUID", MRImageStorage)
    item.ReferencedSOPInstanceUID = header.get("SOPInstanceUID") or generate_uid()
    if "ReferencedFrameNumber" in header:
        item.ReferencedFrameNumber = header.ReferencedFrameNumber
    item.PurposeOfReferenceCodeSequence = [code_item(codes.DCM.SourceImageForImageProcessingOperation)]
    return item


def _file_meta() -> pydicom.dataset.FileMetaDataset:
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def _ds(value: float) -> str:
    """A decimal string of DICOM, at most 16 characters."""
    return format_number_as_ds(float(value) + 0.0)
