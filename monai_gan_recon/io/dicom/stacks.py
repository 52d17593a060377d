"""DICOM images told apart into volumes, each described."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from pydicom.multival import MultiValue

from ...vocabulary import PLANES
from ..geometry import is_valid, lengths, of_slices, plane_across
from .files import GEOMETRY, PIXELS
from .frames import single_frames
from .reader import is_colour, is_mosaic

_FEW = 3
"""A series of several orientations with this many slices each is a localiser."""
_APART = {
    "EchoTime": "TE",
    "EffectiveEchoTime": "TE",
    "ImageType": "",
    "FrameType": "",
    "TemporalPositionIdentifier": "time",
    "TemporalPositionIndex": "time",
    "DiffusionBValue": "b",
    "TriggerTime": "trigger",
    "AcquisitionNumber": "acquisition",
}
"""What tells volumes of one series and position apart, and what it is called in the list of them."""


@dataclass(frozen=True)
class Series:
    """Slices of one volume: a DICOM series, or one of the volumes (echoes, orientations) in it.

    Attributes:
        uid: Series Instance UID; ":1", ":2" and so on behind it where the series holds several volumes.
        number: Series Number; None if it has none.
        path: the folder of its files (or the one file).
        slices: file and frame of each slice; the frame is None for files of one image.
        size: columns and rows.
        spacing: mm between columns, rows and slices.
        orientation: towards what columns, rows and slices go, such as "LPS".
        plane: plane of the slices, the nearest of "coronal", "axial" and "sagittal".
        contrast: sequence and times, as far as they are said.
        acquisition: "2D" or "3D"; empty if it is not said.
        across_readout: plane of the slices across the readout, where the acquisition is 3-D and says where it is.
        unfit: why it is no volume to reconstruct ("localiser", "mosaic", "colour", "no geometry", "CT, not MR");
            empty otherwise.
        whole: it is the only volume of its series.
        apart: what tells it from other volumes of its series, such as "TE 80"; empty if nothing has to.
    """

    uid: str
    number: int | None
    path: Path
    slices: tuple[tuple[Path, int | None], ...]
    size: tuple[int, int]
    spacing: tuple[float, ...] = (1.0, 1.0, 1.0)
    orientation: str = ""
    plane: str = ""
    contrast: str = ""
    acquisition: str = ""
    across_readout: str = ""
    unfit: str = ""
    whole: bool = True
    apart: str = ""

    @property
    def own_plane(self) -> str:
        """Plane to reconstruct in: the slices of a 2-D scan, those across the readout of a 3-D one; else "coronal"."""
        if len(self.slices) == 1 or self.acquisition == "2D":
            return self.plane or PLANES[0]
        return self.across_readout or PLANES[0]

    def __str__(self) -> str:
        number = "" if self.number is None else f"series {self.number}, "
        kind = " ".join(word for word in (self.acquisition, self.plane, self.unfit) if word)
        size = " x ".join(map(str, (*self.size, len(self.slices))))
        apart = f", {self.apart}" if self.apart else ""
        return f"{number}{kind} {size}, {self.spacing[0]:.3g} x {self.spacing[1]:.3g} mm{apart}"


Item = tuple[pydicom.Dataset, Path, "int | None"]


def stacks(images: Sequence[tuple[pydicom.FileDataset, Path]]) -> list[Series]:
    """Slices by series and kind of grid, then by what else tells those of one position apart."""
    items: dict[Hashable, Item] = {}
    for dataset, file in images:
        frames = single_frames(dataset)
        for index, frame in enumerate(frames):
            item = frame, file, index if len(frames) > 1 else None
            instance = str(dataset.get("SOPInstanceUID") or file)  # careless anonymisation has one for all
            told = dataset.get("InstanceNumber"), _position(item), _values(item, tuple(_APART))
            which: tuple[Hashable, ...] = (instance, index, *told)
            if which in items and len(frames) == 1 and not _same_pixels(items[which][0], dataset):
                which += (file,)  # no copy: the position repeats
            items.setdefault(which, item)
    result = []
    for uid, series in _groups(list(items.values()), lambda item: str(item[0].get("SeriesInstanceUID", ""))):
        seen: list[np.ndarray] = []
        grids = [stack for _, stack in _groups(series, partial(_grid, seen=seen))]
        volumes = [volume for stack in grids for volume in _apart(stack)]
        whole, several = len(volumes) == 1, len(grids) > 1
        for place, (apart, volume) in enumerate(volumes, 1):
            key = str(uid) if whole else f"{uid}:{place}"
            result.append(replace(_series(key, volume, several), whole=whole, apart=apart))
    return result


def _same_pixels(*datasets: pydicom.Dataset) -> bool:
    one, other = ([data[name].value for name in PIXELS if name in data] for data in datasets)
    return one == other


def _groups(items: Sequence[Item], key: Callable[[Item], Hashable]) -> list[tuple[Hashable, list[Item]]]:
    groups: dict[Hashable, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())


def _grid(item: Item, seen: list[np.ndarray]) -> Hashable:
    """What the slices of one volume share: size, spacing, and orientation (the first in ``seen`` that is near)."""
    dataset = item[0]
    spacing = tuple(round(float(value), 4) for value in dataset.get("PixelSpacing") or ())
    place = -1
    if orientation := dataset.get("ImageOrientationPatient"):
        cosines = np.array(orientation, dtype=float)
        near = [index for index, other in enumerate(seen) if np.abs(cosines - other).max() <= 1e-3]
        if not near:
            seen.append(cosines)
        place = near[0] if near else len(seen) - 1
    return dataset.get("Rows"), dataset.get("Columns"), spacing, place


def _apart(stack: list[Item]) -> list[tuple[str, list[Item]]]:
    """Echoes, phases and times of one stack, each a volume with its name, by the fewest elements that tell them apart.

    Each volume has every position once; where no elements do that the stack stays as it is, and its reader refuses it.
    """
    places = {_position(item) for item in stack}
    names = [name for name in _APART if len({_words(item, name) for item in stack}) > 1]
    if len(places) == len(stack):
        return [("", stack)]
    for chosen in (group for count in range(len(names)) for group in combinations(names, count + 1)):
        volumes = _groups(stack, partial(_values, names=chosen))
        if all(len(part) == len(places) and set(map(_position, part)) == places for _, part in volumes):
            same = [set.intersection(*(set(_words(item, name)) for item in stack)) for name in chosen]
            return [(_name(part[0], chosen, same), part) for _, part in volumes]
    return [("", stack)]


def _name(item: Item, names: Sequence[str], same: Sequence[set[str]]) -> str:
    """What tells a volume apart, such as "TE 80" or "P": the words that not all volumes have."""
    words = [
        " ".join([_APART[name], *(word for word in _words(item, name) if word not in shared)]).strip()
        for name, shared in zip(names, same, strict=True)
    ]
    return ", ".join(filter(None, words))


def _words(item: Item, name: str) -> tuple[str, ...]:
    value = item[0].get(name)
    return tuple(str(one).removesuffix(".0") for one in (value if isinstance(value, MultiValue) else [value]))


def _values(item: Item, names: Sequence[str]) -> Hashable:
    return tuple(_words(item, name) for name in names)


def _position(item: Item) -> tuple[float, ...]:
    return tuple(round(float(v), 3) for v in item[0].get("ImagePositionPatient") or ())


def _series(uid: str, volume: list[Item], several: bool) -> Series:
    """Describe a volume."""
    first = volume[0][0]
    acquisition = str(first.get("MRAcquisitionType") or "")
    series = Series(
        uid=uid,
        number=None if first.get("SeriesNumber") in (None, "") else int(first.SeriesNumber),
        path=Path(os.path.commonpath([file.parent for _, file, _ in volume])),
        slices=tuple((file, frame) for _, file, frame in volume),
        size=(int(first.get("Columns") or 0), int(first.get("Rows") or 0)),
        acquisition=acquisition,
        contrast=" ".join(_contrast(first)),
    )
    modality = str(first.get("Modality") or "MR")
    if is_colour(first):
        return replace(series, unfit="colour")
    if not all(item[0].get(name) for name in GEOMETRY for item in volume):
        return replace(series, unfit="no geometry")
    if is_mosaic(first):
        return replace(series, unfit="mosaic")
    normal = np.cross(*np.array(first.ImageOrientationPatient, dtype=float).reshape(2, 3))
    positions = np.array([item[0].ImagePositionPatient for item in volume], dtype=float)
    affine = of_slices(first, positions[np.argsort(positions @ normal)])
    if not is_valid(affine):
        return replace(series, unfit="no geometry")
    local = "LOCALIZER" in str(first.get("ImageType") or "").upper() or (several and len(volume) <= _FEW)
    phase = {"ROW": 1, "ROWS": 1, "COL": 0, "COLUMN": 0}.get(  # the readout is the other axis of the slice
        str(first.get("InPlanePhaseEncodingDirection") or "").strip()
    )
    return replace(
        series,
        spacing=tuple(map(float, lengths(affine))),
        orientation="".join(nib.aff2axcodes(affine)),
        plane=plane_across(affine, 2),
        across_readout=plane_across(affine, phase) if acquisition == "3D" and phase is not None else "",
        unfit="localiser" if local else "" if modality == "MR" else f"{modality}, not MR",
    )


def _contrast(header: pydicom.Dataset) -> Iterator[str]:
    """Sequence and times in ms, as far as they are said."""
    for name in ("MRAcquisitionType", "SequenceName", "PulseSequenceName", "ScanningSequence"):
        if value := header.get(name):
            yield str(value) if isinstance(value, str) else "/".join(map(str, value))
    for name, short in (("RepetitionTime", "TR"), ("EchoTime", "TE"), ("InversionTime", "TI")):
        if value := header.get(name):
            yield f"{short} {float(value):g} ms"
