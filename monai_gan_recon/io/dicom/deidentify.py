"""Identity out of DICOM headers, by the Basic Application Level Confidentiality Profile (DICOM PS3.15, table E.1-1)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import pydicom
from pydicom.sr.codedict import codes

from .codes import code_item
from .files import silent_pydicom

_NO_DATE, _NO_TIME = "19000101", "000000"
_DATES = ("InstanceCreation", "Content", "Series")
_EXTRA = "this needs more packages: pip install 'monai-gan-recon[dicom]'"
Action = Callable[[pydicom.Dataset, tuple[int, int]], None]


@silent_pydicom()
def deidentify(headers: Sequence[pydicom.Dataset]) -> list[pydicom.Dataset]:
    """Copies of headers, without pixels, that have lost what could say whose they are.

    What is derived from them is without identity too. UIDs are replaced by random ones, alike for alike within a
    process. The table of what is removed, emptied or replaced is dicom-anonymizer's, here applied inside sequences too.
    Faces that pixels show are not removed.

    Raises:
        ValueError: if the package of the table is not installed.
    """
    try:
        from dicomanonymizer.simpledicomanonymizer import initialize_actions_2024b
    except ImportError as error:
        raise ValueError(f"--deidentify: {_EXTRA}") from error
    actions: Mapping[tuple[int, ...], Action] = initialize_actions_2024b()
    clean = [copy.deepcopy(header) for header in headers]
    for header in clean:
        _apply(header, actions)
        header.PatientIdentityRemoved = "YES"
        header.DeidentificationMethod = "DICOM PS3.15 Basic Application Level Confidentiality Profile"
        profile = codes.DCM.BasicApplicationConfidentialityProfile
        header.DeidentificationMethodCodeSequence = [code_item(profile)]
        header.LongitudinalTemporalInformationModified = "REMOVED"
    return clean


def _apply(dataset: pydicom.Dataset, actions: Mapping[tuple[int, ...], Action]) -> None:
    for tag in list(dataset.keys()):
        action = actions.get((tag.group, tag.element))
        if tag.is_private or 0x5000 <= tag.group <= 0x60FF:
            del dataset[tag]
        elif action is not None:
            try:
                action(dataset, (tag.group, tag.element))
            except NotImplementedError:  # a representation that has no dummy
                del dataset[tag]
            if tag in dataset and dataset[tag].VR in ("DA", "DT"):
                dataset[tag].value = _NO_DATE  # the package's has a year that validators refuse
        elif dataset[tag].VR == "SQ":
            for item in dataset[tag].value or ():
                _apply(item, actions)


def stamp(dataset: pydicom.Dataset) -> None:
    """Date an object: now, or not at all if its identity is removed."""
    now = datetime.now()
    removed = dataset.get("PatientIdentityRemoved") == "YES"
    for name in _DATES:
        setattr(dataset, f"{name}Date", _NO_DATE if removed else now.strftime("%Y%m%d"))
        setattr(dataset, f"{name}Time", _NO_TIME if removed else now.strftime("%H%M%S"))
