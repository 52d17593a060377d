"""The volumes that DICOM files make up: found in any folder, told apart, listed, and chosen."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from pydicom.multival import MultiValue

from ...vocabulary import PLANE_AXCODES
from .files import GEOMETRY, Refused, dicom_files, open_images, silent_pydicom
from .frames import single_frames
from .reader import is_mosaic, read_slices

ALL = "all"
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
_NORMALS = {codes[0]: plane for plane, codes in PLANE_AXCODES.items()}
_OPPOSITE = dict(zip("RLAPSI", "LRPAIS", strict=True))


@dataclass(frozen=True)
class Series:
    """Slices of one volume: a DICOM series, or one of the volumes (echoes, orientations) in it.

    Attributes:
        uid: Series Instance UID; ":1", ":2" and so on behind it where the series holds several volumes.
        number: Series Number; None if it has none.
        path: the folder of its files (or the one file).
        slices: file and frame of each slice; the frame is None for files of one image.
        size: columns and rows.
        spacing: mm between columns and between rows.
        plane: plane of the slices, the nearest of "coronal", "axial" and "sagittal".
        acquisition: "2D" or "3D"; empty if it is not said.
        across_readout: plane of the slices across the readout, where the acquisition is 3-D and says where it is.
        unfit: why it is no volume to reconstruct ("localiser", "mosaic", "colour", "no geometry"); empty otherwise.
        whole: it is the only volume of its series.
        apart: what tells it from other volumes of its series, such as "TE 80"; empty if nothing has to.
    """

    uid: str
    number: int | None
    path: Path
    slices: tuple[tuple[Path, int | None], ...]
    size: tuple[int, int]
    spacing: tuple[float, float] = (1.0, 1.0)
    plane: str = ""
    acquisition: str = ""
    across_readout: str = ""
    unfit: str = ""
    whole: bool = True
    apart: str = ""

    @property
    def own_plane(self) -> str | None:
        """Plane to reconstruct in: the slices of a 2-D scan, those across the readout of a 3-D one; None: not said."""
        if len(self.slices) == 1 or self.acquisition == "2D":
            return self.plane or None
        return self.across_readout or None

    def __str__(self) -> str:
        number = "" if self.number is None else f"series {self.number}, "
        kind = " ".join(word for word in (self.acquisition, self.plane, self.unfit) if word)
        size = " x ".join(map(str, (*self.size, len(self.slices))))
        apart = f", {self.apart}" if self.apart else ""
        return f"{number}{kind} {size}, {self.spacing[0]:.3g} x {self.spacing[1]:.3g} mm{apart}"


def find_series(path: str | os.PathLike[str]) -> list[Series]:
    """All volumes of the DICOM images under a path.

    Args:
        path: a file, a DICOMDIR (it stands for its folder), or a folder; its subfolders are looked into. Names and
            suffixes of files do not matter.

    Returns:
        volumes by folder, series number and UID; those that are ``unfit`` too. Files that are there twice count once.

    Raises:
        FileNotFoundError: if there is no such path.
        ValueError: in one line, if there is no DICOM image, or a file is damaged.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder; check the path")
    if path.name.upper() == "DICOMDIR":
        path = path.parent
    try:
        with silent_pydicom():
            found = _stacks(open_images(dicom_files(path)))
    except Refused as error:
        raise ValueError(f"{path}: {error}") from error
    return sorted(
        found, key=lambda series: (str(series.path), series.number or 0, series.uid.partition(":")[0])
    )


def choose_series(path: str | os.PathLike[str], series: str | int | None = None) -> list[Series]:
    """The volumes to work on.

    Args:
        path: see :func:`find_series`.
        series: number in the list of :func:`find_series` from 1 on, UID as :class:`Series` has it, or "all": all that
            are fit; None: the one that is fit, or one in each folder.

    Returns:
        at least one volume.

    Raises:
        FileNotFoundError: if there is no such path.
        ValueError: in one line with the list, if there is no such volume, or several where one is meant.
    """
    found = find_series(path)
    listed = "; ".join(f"{place}: {item}" for place, item in enumerate(found, 1))
    fit = [item for item in found if not item.unfit] or found
    if series is None:
        if len({item.path for item in fit}) < len(fit):
            raise ValueError(
                f"{path}: holds {len(found)} DICOM series, choose with --series N or all: {listed}"
            )
        return fit
    text = str(series).strip()
    if text.lower() == ALL:
        return fit
    chosen = [item for item in found if text in (item.uid, item.uid.partition(":")[0])]
    if text.isdecimal() and 1 <= int(text) <= len(found):
        chosen = [found[int(text) - 1]]
    if len(chosen) != 1:
        what = (
            f"{len(chosen)} volumes share this UID, choose one by its number" if chosen else "no such series"
        )
        raise ValueError(f"{path}: --series {text}: {what}: {listed}")
    return chosen


def read_dicom(
    path: str | os.PathLike[str], series: Series | str | int | None = None
) -> tuple[np.ndarray, np.ndarray, Series]:
    """Read one volume.

    Args:
        path: see :func:`find_series`.
        series: which one, see :func:`choose_series`.

    Returns:
        array (columns, rows, slices) with the rescale slope applied, the (4, 4) affine in RAS and mm, and where it
        comes from.

    Raises:
        FileNotFoundError: if there is no such path.
        ValueError: in one line, without patient data, for whatever keeps the volume from being read.
    """
    if not isinstance(series, Series):
        chosen = choose_series(path, series)
        if len(chosen) > 1:
            raise ValueError(
                f"{path}: holds {len(chosen)} DICOM series in its folders; give one of these folders"
            )
        series = chosen[0]
    try:
        with silent_pydicom():
            array, affine = read_slices(series.slices, series.whole)
    except Refused as error:
        raise ValueError(f"{path}: {error}") from error
    return array, affine, series


def read_headers(series: Series) -> list[pydicom.Dataset]:
    """Headers of a volume's slices, all elements but pixels, in the order of ``series.slices``."""
    whole: dict[Path, list[pydicom.Dataset]] = {}
    headers = []
    with silent_pydicom():
        for file, frame in series.slices:
            if file not in whole:
                whole[file] = single_frames(pydicom.dcmread(file, stop_before_pixels=True))
            headers.append(whole[file][frame or 0])
    return headers


Item = tuple[pydicom.Dataset, Path, "int | None"]


def _stacks(images: Sequence[tuple[pydicom.FileDataset, Path]]) -> list[Series]:
    """Slices by series and kind of grid, then by what else tells those of one position apart."""
    items: dict[tuple[str, int | None], Item] = {}
    for dataset, file in images:
        frames = single_frames(dataset)
        for index, frame in enumerate(frames):
            number = index if len(frames) > 1 else None
            instance = str(dataset.get("SOPInstanceUID") or file)
            items.setdefault((instance, number), (frame, file, number))
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
    files = {item[1] for item in volume}
    folder = Path(os.path.commonpath([file.parent for file in files]))
    series = Series(
        uid=uid,
        number=None if first.get("SeriesNumber") in (None, "") else int(first.SeriesNumber),
        path=folder,
        slices=tuple((file, frame) for _, file, frame in volume),
        size=(int(first.get("Columns") or 0), int(first.get("Rows") or 0)),
        acquisition=str(first.get("MRAcquisitionType") or ""),
    )
    if int(first.get("SamplesPerPixel") or 1) > 1:
        return replace(series, unfit="colour")
    if not all(first.get(name) for name in GEOMETRY):
        return replace(series, unfit="no geometry")
    if is_mosaic(first):
        return replace(series, unfit="mosaic")
    local = "LOCALIZER" in str(first.get("ImageType") or "").upper() or (several and len(volume) <= _FEW)
    rows, columns = np.array(first.ImageOrientationPatient, dtype=float).reshape(2, 3)
    if np.linalg.norm(np.cross(rows, columns)) < 1e-3:
        return replace(series, unfit="no geometry")
    affine = np.eye(4)
    affine[:3, :3] = np.stack([rows, columns, np.cross(rows, columns)], axis=1) * [[-1], [-1], [1]]
    phase = {"ROW": 1, "ROWS": 1, "COL": 0, "COLUMN": 0}.get(  # the readout is the other axis of the slice
        str(first.get("InPlanePhaseEncodingDirection") or "").strip()
    )
    volumetric = series.acquisition == "3D" and phase is not None
    return replace(
        series,
        spacing=(float(first.PixelSpacing[1]), float(first.PixelSpacing[0])),
        plane=plane_across(affine, 2),
        across_readout=plane_across(affine, int(phase or 0)) if volumetric else "",
        unfit="localiser" if local else "",
    )


def plane_across(affine: np.ndarray, axis: int) -> str:
    """Plane whose slices lie most nearly across an array axis.

    Args:
        affine: (4, 4), voxel to RAS.
        axis: 0, 1 or 2.
    """
    code = nib.orientations.ornt2axcodes(nib.io_orientation(affine))[axis]
    return _NORMALS.get(code) or _NORMALS[_OPPOSITE[code]]
