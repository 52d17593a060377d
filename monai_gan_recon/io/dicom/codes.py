"""Coded words, and the elements that everything this package derives has in common."""

from __future__ import annotations

from collections.abc import Sequence

import pydicom
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from monai_gan_recon import __version__
from monai_gan_recon.vocabulary import EQUIPMENT

MANUFACTURER = MODEL = EQUIPMENT
_EQUIPMENT = (
    "Manufacturer",
    "ManufacturerModelName",
    "StationName",
    "DeviceSerialNumber",
    "SoftwareVersions",
    "InstitutionName",
    "InstitutionAddress",
    "InstitutionalDepartmentName",
)
_NEEDED = (  # type 2: may be empty, must be there
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)


def code_item(code: Code) -> pydicom.Dataset:
    """Item of a code sequence."""
    item = pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = (
        code.value,
        code.scheme_designator,
        code.meaning,
    )
    return item


def complete(headers: Sequence[pydicom.Dataset]) -> list[pydicom.Dataset]:
    """The headers, with what every DICOM object must have, so that others can be derived from them."""
    study, frame_of_reference = generate_uid(), generate_uid()
    for header in headers:
        header.StudyInstanceUID = header.get("StudyInstanceUID") or study
        header.FrameOfReferenceUID = header.get("FrameOfReferenceUID") or frame_of_reference
        for name in _NEEDED:
            if name not in header:
                setattr(header, name, "")
    return list(headers)


def set_equipment(dataset: pydicom.Dataset) -> None:
    """This package as the equipment, and what was there as that of the acquisition."""
    scanner = pydicom.Dataset()
    scanner.PurposeOfReferenceCodeSequence = [code_item(codes.DCM.AcquisitionEquipment)]
    for name in _EQUIPMENT:
        if name in dataset:
            setattr(scanner, name, dataset[name].value)
            del dataset[name]
    if not scanner.get("Manufacturer"):
        scanner.Manufacturer = "unknown"
    earlier = list(dataset.get("ContributingEquipmentSequence") or ())
    own = pydicom.Dataset()
    own.PurposeOfReferenceCodeSequence = [code_item(codes.DCM.ProcessingEquipment)]
    for item in (dataset, own):
        item.Manufacturer, item.ManufacturerModelName, item.SoftwareVersions = (
            MANUFACTURER,
            MODEL,
            __version__,
        )
    dataset.ContributingEquipmentSequence = [*earlier, scanner, own]


def public_elements(header: pydicom.Dataset) -> list[pydicom.DataElement]:
    """What of a header can go into another object: not private, no curves, overlays or pixels."""
    return [header[tag] for tag in header.keys() if not tag.is_private and tag.group < 0x5000]  # noqa: SIM118
