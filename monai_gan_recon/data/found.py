"""What a file or folder holds, from headers: what ``monai-gan-recon info`` shows; nothing that names a patient."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk

from monai_gan_recon.io import is_raw, read_raw
from monai_gan_recon.io.formats import kind_of
from monai_gan_recon.vocabulary import MIN_SLICE_SIZE

_TAGS = [
    "SeriesInstanceUID",
    "SeriesNumber",
    "SequenceName",
    "ScanningSequence",
    "MRAcquisitionType",
    "EchoTime",
]
_TAGS += [
    "RepetitionTime",
    "InversionTime",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "PixelSpacing",
    "SliceThickness",
]
_TAGS += ["SpacingBetweenSlices", "ImageOrientationPatient", "Modality"]


@dataclass(frozen=True)
class Found:
    """A volume or a raw scan.

    Attributes:
        path: file, or folder of a DICOM series.
        kind: format.
        size: voxels (X, Y, Z), for k-space (slices, H, W).
        spacing_mm: of the voxels, if it is known.
        orientation: towards what the axes grow, such as "RAS".
        contrast: sequence and times in ms, as far as DICOM tells them.
        coils: of k-space.
        sampled: fraction of k-space that was measured.
        series: number and UID of a DICOM series.
        possible: what can be done with it, or why nothing can.
    """

    path: Path
    kind: str
    size: tuple[int, ...] = ()
    spacing_mm: tuple[float, ...] | None = None
    orientation: str = ""
    contrast: str = ""
    coils: int | None = None
    sampled: float | None = None
    series: str = ""
    possible: str = ""

    def __str__(self) -> str:
        parts = [self.kind, self.series, " x ".join(map(str, self.size))]
        parts.append(" x ".join(f"{mm:.3g}" for mm in self.spacing_mm) + " mm" if self.spacing_mm else "")
        parts += [self.orientation, self.contrast, f"{self.coils} coils" if self.coils else ""]
        parts.append("" if self.sampled is None else f"{100 * self.sampled:.3g} % of k-space measured")
        return f"{self.path}: " + ", ".join(part for part in parts if part) + f"\n  {self.possible}"


def find(path: Path, axes: str | None = None) -> list[Found]:
    """Volumes and raw scans of a file, or in a folder and its subfolders.

    Args:
        path: file or folder.
        axes: order of the axes of bare arrays with k-space, see :func:`monai_gan_recon.io.read_raw`.

    Raises:
        FileNotFoundError: if there is no such path.
        ValueError: if there is nothing in it that can be read.

    Example:
        >>> [item.size for item in find(Path("scan.nii.gz"))]  # doctest: +SKIP
        [(256, 256, 192)]
    """
    path = path.expanduser()
    files = [path] if not path.is_dir() else sorted(file for file in path.rglob("*") if _visible(file, path))
    found: list[Found] = []
    series: dict[tuple[Path, str], list[pydicom.Dataset]] = {}
    for file in files:
        kind = None
        try:
            kind = kind_of(file)
            if kind == "dicom":
                dataset = _header(file)
                series.setdefault((file.parent, str(dataset.get("SeriesInstanceUID"))), []).append(dataset)
            elif kind is not None and file.suffix != ".hdr":
                found.append(_of_file(file, kind, axes))
        except Exception as error:  # readers of headers have errors of their own; the other files still count
            message = " ".join(str(error).split()).removeprefix(f"{file}: ")
            found.append(Found(file, kind or "unreadable", possible=message))
    found += [_of_series(folder, slices) for (folder, _), slices in series.items()]
    if not found:
        raise ValueError(
            f"{path}: holds nothing that can be read; give NIfTI, DICOM, NRRD, .npy or raw k-space"
        )
    return found


def _visible(file: Path, folder: Path) -> bool:
    return file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)


def _header(file: Path) -> pydicom.Dataset:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # it quotes the values of elements
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(file, specific_tags=list(_TAGS), stop_before_pixels=True)


def _of_file(file: Path, kind: str, axes: str | None) -> Found:
    if is_raw(file):
        raw = read_raw(file, axes)
        slices, coils, height, width = raw.kspace.shape
        spacing = None
        if raw.affine is not None:
            spacing = tuple(round(float(mm), 4) for mm in np.linalg.norm(raw.affine[:3, :3], axis=0))
        sampled = float(raw.sampled().mean())
        text = "reconstruct" if sampled < 1 else "fully sampled: reconstruct --retrospective --rate 0.25"
        return Found(
            file,
            kind,
            (slices, height, width),
            spacing,
            coils=coils,
            sampled=sampled,
            possible=f"{text}; convert",
        )
    if kind == "npy":
        array = np.load(file, mmap_mode="r", allow_pickle=False)
        size, spacing, orientation = array.shape, None, ""
    elif kind == "itk":
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(file))
        reader.ReadImageInformation()
        size, spacing, orientation = reader.GetSize(), reader.GetSpacing(), ""
    else:
        image = nib.load(file)
        size, spacing = image.shape, tuple(round(float(mm), 4) for mm in image.header.get_zooms()[:3])
        orientation = "".join(code or "?" for code in nib.aff2axcodes(image.affine))
    return Found(file, kind, tuple(size), spacing, orientation, possible=_possible(tuple(size)))


def _of_series(folder: Path, slices: list[pydicom.Dataset]) -> Found:
    first = slices[0]
    count = sum(int(one.get("NumberOfFrames") or 1) for one in slices)
    size = (int(first.get("Columns") or 0), int(first.get("Rows") or 0), count)
    between = first.get("SpacingBetweenSlices") or first.get("SliceThickness")
    inside = first.get("PixelSpacing")
    spacing = (float(inside[1]), float(inside[0]), float(between)) if inside and between else None
    series = " ".join(
        str(first.get(name)) for name in ("SeriesNumber", "SeriesInstanceUID") if first.get(name)
    )
    planes = {tuple(np.round(one.get("ImageOrientationPatient") or [], 2)) for one in slices}
    possible = _possible(size)
    if first.get("Modality", "MR") != "MR":
        possible = f"is {first.Modality}, not MR: nothing"
    elif len(planes) > 1:
        possible = f"slices of {len(planes)} orientations, a localiser: nothing"
    return Found(
        folder,
        "dicom",
        size,
        spacing,
        contrast=" ".join(_contrast(first)),
        series=f"series {series}",
        possible=possible,
    )


def _contrast(header: pydicom.Dataset) -> Iterator[str]:
    for name in ("MRAcquisitionType", "SequenceName", "ScanningSequence"):
        if value := header.get(name):
            yield value if isinstance(value, str) else "/".join(value)
    for name, short in (("RepetitionTime", "TR"), ("EchoTime", "TE"), ("InversionTime", "TI")):
        if value := header.get(name):
            yield f"{short} {float(value):g} ms"


def _possible(size: tuple[int, ...]) -> str:
    if any(length > 1 for length in size[3:]):
        return "has more than three axes: extract one volume of it first"
    if len(size) < 2:
        return "a line of numbers: a sampling mask?"
    if sorted(size)[-2] < MIN_SLICE_SIZE:
        return f"no plane has slices of {MIN_SLICE_SIZE} x {MIN_SLICE_SIZE} pixels: nothing"
    return "image: reconstruct (is undersampled first; --mask if it was undersampled); segment, if it is a T1 brain"
