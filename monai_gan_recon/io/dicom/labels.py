"""Tissue labels as a DICOM segmentation, and their volumes as a structured report (TID 1500)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from monai_gan_recon import __version__

from ..geometry import LPS_TO_RAS
from .codes import MANUFACTURER, MODEL, complete
from .deidentify import stamp
from .files import silent_pydicom
from .frames import as_one

if TYPE_CHECKING:
    import highdicom

_EXTRA = "--format dicom: segmentations need more packages: pip install 'monai-gan-recon[dicom]'"
_ALGORITHM = "tissue segmentation"
_ML = Code("mL", "UCUM", "milliliter")
_COLOURS = {1: "#3b6fd4", 2: "#9aa0a6", 3: "#f2efe6"}
TISSUE_CODES: dict[int, tuple[Code, Code]] = {
    1: (codes.SCT.BodySubstance, codes.SCT.CerebrospinalFluid),
    2: (codes.SCT.Tissue, codes.SCT.GrayMatter),
    3: (codes.SCT.Tissue, codes.SCT.WhiteMatter),
}
"""Category and type of each tissue's label (SNOMED CT)."""


@silent_pydicom()  # the packages quote names in their warnings
def derive_segmentation(
    labels: np.ndarray,
    affine: np.ndarray,
    source: Sequence[pydicom.Dataset],
) -> highdicom.seg.Segmentation:
    """Labels as a binary segmentation of the source's study and frame of reference, one segment a tissue.

    Args:
        labels: (X, Y, Z), 0 background, 1 CSF, 2 gray matter, 3 white matter.
        affine: (4, 4), voxel to RAS in mm.
        source: headers of the slices that were segmented.

    Raises:
        ValueError: if highdicom is not installed, nothing is labelled, or the source is several enhanced images.
    """
    hd = require_highdicom()
    if not np.isin(labels, list(TISSUE_CODES)).any():
        raise ValueError("nothing is labelled; there is no segmentation to write")
    numbers = [header.get("ReferencedFrameNumber") for header in source]
    source = _parallel(source)
    matrix = (LPS_TO_RAS @ np.asarray(affine, dtype=float))[:, [2, 1, 0, 3]]
    volume = hd.Volume(
        np.ascontiguousarray(labels.transpose(2, 1, 0)).astype(np.uint8),
        matrix,
        coordinate_system="PATIENT",
        frame_of_reference_uid=str(source[0].FrameOfReferenceUID),
    )
    name = hd.AlgorithmIdentificationSequence(
        name=_ALGORITHM, version=__version__, family=codes.DCM.ArtificialIntelligence
    )
    segments = [
        hd.seg.SegmentDescription(
            segment_number=label,
            segment_label=kind.meaning,
            segmented_property_category=category,
            segmented_property_type=kind,
            algorithm_type="AUTOMATIC",
            algorithm_identification=name,
            tracking_uid=generate_uid(),
            tracking_id=kind.meaning,
            display_color=hd.color.CIELabColor.from_string(_COLOURS[label]),
        )
        for label, (category, kind) in TISSUE_CODES.items()
    ]
    result = hd.seg.Segmentation(
        source_images=source,
        pixel_array=volume,
        segmentation_type="BINARY",
        segment_descriptions=segments,
        series_description=_ALGORITHM,
        **_identity(source[0], 2000),
    )
    if numbers[0] is not None:
        _renumber(result, numbers)
    return _finished(result, source[0])


@silent_pydicom()
def derive_report(
    segmentation: highdicom.seg.Segmentation,
    volumes_ml: Mapping[int, float],
    source: Sequence[pydicom.Dataset],
) -> highdicom.sr.Comprehensive3DSR:
    """Volumes of the tissues as a measurement report (TID 1500).

    Args:
        segmentation: what was measured, see :func:`derive_segmentation`.
        volumes_ml: ml by label.
        source: headers of the slices that were segmented.

    Raises:
        ValueError: if highdicom is not installed.
    """
    hd = require_highdicom()
    sr = hd.sr
    series = sr.SourceSeriesForSegmentation(referenced_series_instance_uid=source[0].SeriesInstanceUID)
    groups = [
        sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=sr.TrackingIdentifier(
                uid=segmentation.get_segment_description(label).tracking_uid, identifier=kind.meaning
            ),
            referenced_segment=sr.ReferencedSegment(
                sop_class_uid=segmentation.SOPClassUID,
                sop_instance_uid=segmentation.SOPInstanceUID,
                segment_number=label,
                source_series=series,
            ),
            finding_category=category,
            finding_type=kind,
            finding_sites=[sr.FindingSite(anatomic_location=codes.SCT.Brain)],
            measurements=[
                sr.Measurement(name=codes.SCT.Volume, value=round(float(volumes_ml.get(label, 0.0)), 6), unit=_ML)
            ],
        )
        for label, (category, kind) in TISSUE_CODES.items()
    ]
    device = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=generate_uid(), name=MODEL, manufacturer_name=MANUFACTURER, model_name=MODEL
        ),
    )
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=device),
        procedure_reported=codes.LN.BrainMRI,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    result = sr.Comprehensive3DSR(
        evidence=[segmentation, *_parallel(source)],
        content=report[0],
        is_complete=True,
        is_final=False,
        series_description="tissue volumes",
        **_identity(source[0], 3000),
    )
    return _finished(result, source[0])


def _parallel(source: Sequence[pydicom.Dataset]) -> list[pydicom.Dataset]:
    """Complete headers once each, all with the orientation of the first: scanners round it slice by slice.

    Those of the frames of an enhanced image become one.
    """
    if "ReferencedFrameNumber" in source[0]:
        return [as_one(complete(source))]
    once = {str(header.get("SOPInstanceUID")): header for header in complete(source)}
    for header in once.values():
        header.ImageOrientationPatient = source[0].ImageOrientationPatient
    return list(once.values())


def _renumber(segmentation: pydicom.Dataset, numbers: Sequence[int]) -> None:
    """Let an object that refers to frames of :func:`.frames.as_one` refer to those of the image they come from."""
    items = [
        item
        for groups in segmentation.PerFrameFunctionalGroupsSequence
        for derivation in groups.get("DerivationImageSequence") or ()
        for item in derivation.SourceImageSequence
    ]
    for item in {id(item): item for item in items}.values():  # the segments share them
        item.ReferencedFrameNumber = numbers[int(item.ReferencedFrameNumber) - 1]


def _identity(first: pydicom.Dataset, offset: int) -> dict[str, Any]:
    """UIDs and equipment of a new object, its Series Number ``offset`` above that of the source."""
    return {
        "series_instance_uid": generate_uid(),
        "series_number": int(first.get("SeriesNumber") or 0) + offset,
        "sop_instance_uid": generate_uid(),
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MODEL,
        "software_versions": __version__,
        "device_serial_number": "0",
    }


def _finished(result: Any, first: pydicom.Dataset) -> Any:
    """Say of an object made of de-identified headers that it is so, too."""
    for name in ("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence"):
        if name in first:
            result[name] = first[name]
    stamp(result)
    return result


def require_highdicom() -> Any:
    """The package that writes segmentations.

    Raises:
        ValueError: if it is not installed.
    """
    try:
        import highdicom
    except ImportError as error:
        raise ValueError(_EXTRA) from error
    return highdicom
