"""Enhanced multi-frame DICOM as images of one frame each."""

from __future__ import annotations

from collections.abc import Sequence

import pydicom
from pydicom.datadict import dictionary_has_tag, dictionary_VR

from .files import GEOMETRY

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")


def single_frames(dataset: pydicom.Dataset) -> list[pydicom.Dataset]:
    """The frames of an enhanced image, each with the elements of its functional groups at the top, without pixels.

    A frame has its number (from 1 on) as ReferencedFrameNumber. An image of one frame is returned as it is.
    """
    count = int(dataset.get("NumberOfFrames") or 1)
    if count == 1 and _GROUPS[1] not in dataset:
        return [dataset]
    shared = dataset.get(_GROUPS[0]) or [pydicom.Dataset()]
    own = dataset.get(_GROUPS[1]) or [pydicom.Dataset()] * count
    return [_frame(dataset, (shared[0], groups), number) for number, groups in enumerate(own, 1)]


def as_one(frames: Sequence[pydicom.Dataset]) -> pydicom.Dataset:
    """Frames of :func:`single_frames` as an enhanced image of these frames alone, as far as it is geometry.

    Raises:
        ValueError: if they are of several enhanced images.
    """
    if len({str(frame.get("SOPInstanceUID")) for frame in frames}) > 1:
        raise ValueError("its slices are several enhanced images, which no segmentation can refer to; write NIfTI")
    whole, shared = pydicom.Dataset(frames[0]), pydicom.Dataset()
    whole.file_meta = frames[0].file_meta
    shared.PixelMeasuresSequence = [_item(frames[0], "PixelSpacing", "SliceThickness")]
    shared.PlaneOrientationSequence = [_item(frames[0], "ImageOrientationPatient")]
    own = []
    for frame in frames:
        groups = pydicom.Dataset()
        groups.PlanePositionSequence = [_item(frame, "ImagePositionPatient")]
        own.append(groups)
    for name in (*GEOMETRY, "ReferencedFrameNumber"):
        del whole[name]
    whole.NumberOfFrames = len(frames)
    whole.SharedFunctionalGroupsSequence, whole.PerFrameFunctionalGroupsSequence = [shared], own
    return whole


def _item(frame: pydicom.Dataset, *names: str) -> pydicom.Dataset:
    item = pydicom.Dataset()
    for name in names:
        if name in frame:
            item.add(frame[name])
    return item


def _frame(dataset: pydicom.Dataset, groups: tuple[pydicom.Dataset, pydicom.Dataset], number: int) -> pydicom.Dataset:
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
    frame.ReferencedFrameNumber = number
    return frame
