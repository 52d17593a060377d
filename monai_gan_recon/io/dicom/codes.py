"""Coded words, and the elements that everything this package derives has in common."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pydicom
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from monai_gan_recon import __version__
from monai_gan_recon.vocabulary import EQUIPMENT

MANUFACTURER = MODEL = EQUIPMENT
# fmt: off
_EQUIPMENT = (
    "Manufacturer", "ManufacturerModelName", "StationName", "DeviceSerialNumber", "SoftwareVersions",
    "InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName",
)
_NEEDED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName",
)
"""Type 2: may be empty, must be there."""
# fmt: on


def code_item(code: Code) -> pydicom.Dataset:
    """Item of a code sequence."""
    item = pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code.value, code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def complete(headers: Sequence[pydicom.Dataset]) -> list[pydicom.Dataset]:
    """Copies of the headers that others can be derived from: with what every DICOM object must have.

    Private elements, curves, overlays and pixels are left out. UIDs that are missing are the same each time, for all
    that is derived of one series belongs to one study.
    """
    copies = []
    for header in headers:
        new = pydicom.Dataset()
        for tag in header.keys():  # noqa: SIM118
            if not tag.is_private and tag.group < 0x5000:
                new[tag] = copy.copy(header[tag])  # setting a value would change the element itself
        for name in ("StudyInstanceUID", "FrameOfReferenceUID"):
            if not new.get(name):
                series = str(headers[0].get("SeriesInstanceUID"))
                setattr(new, name, generate_uid(entropy_srcs=[name, series]))
        for name in _NEEDED:
            if name not in new:
                setattr(new, name, "")
        new.file_meta = header.file_meta
        copies.append(new)
    return copies


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
        item.Manufacturer, item.ManufacturerModelName = MANUFACTURER, MODEL
        item.SoftwareVersions = __version__
    dataset.ContributingEquipmentSequence = [*earlier, scanner, own]
