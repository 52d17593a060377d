"""Enhanced multi-frame DICOM as images of one frame each."""

from __future__ import annotations

import pydicom
from pydicom.datadict import dictionary_has_tag, dictionary_VR

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")


def single_frames(dataset: pydicom.Dataset) -> list[pydicom.Dataset]:
    """The frames of an enhanced image, each with the elements of its functional groups at the top.

    Args:
        dataset: any image; it need not hold its pixels.

    Returns:
        one data set a frame, without pixels; the data set itself if it has one frame.
    """
    count = int(dataset.get("NumberOfFrames") or 1)
    if count == 1 and _GROUPS[1] not in dataset:
        return [dataset]
    shared = dataset.get(_GROUPS[0]) or [pydicom.Dataset()]
    own = dataset.get(_GROUPS[1]) or [pydicom.Dataset()] * count
    return [_frame(dataset, (shared[0], groups)) for groups in own]


def _frame(dataset: pydicom.Dataset, groups: tuple[pydicom.Dataset, pydicom.Dataset]) -> pydicom.Dataset:
    frame = pydicom.Dataset()
    for tag in dataset.keys():  # noqa: SIM118 (iterating a data set would read its pixels)
        if tag.group < 0x5200:
            frame[tag] = dataset[tag]
    for group in groups:
        for tag in group.keys():  # noqa: SIM118 (likewise would convert everything)
            if dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ":
                for item in (group[tag].value or [])[:1]:
                    frame.update(item)
    frame.file_meta = getattr(dataset, "file_meta", pydicom.dataset.FileMetaDataset())
    if "EchoTime" not in frame and "EffectiveEchoTime" in frame:
        frame.EchoTime = frame.EffectiveEchoTime
    frame.pop("NumberOfFrames", None)
    return frame
