"""What a file or folder holds, from headers: what ``monai-gan-recon info`` shows; nothing that names a patient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import torch

from monai_gan_recon.checks import home_expanded
from monai_gan_recon.errors import printable
from monai_gan_recon.io import is_raw, read_raw
from monai_gan_recon.io.dicom import Series, find_series
from monai_gan_recon.io.dicom.files import silent_pydicom, visible_files
from monai_gan_recon.io.dicom.reader import place_slices
from monai_gan_recon.io.formats import kind_by_name, kind_of
from monai_gan_recon.io.geometry import is_valid, lengths
from monai_gan_recon.io.images import looks_like_labels, read_geometry, volumes_in
from monai_gan_recon.measurement import coil_doubt
from monai_gan_recon.vocabulary import MIN_SLICE_SIZE


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
        choose: its number for ``--series``, where there are several.
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
    choose: int | None = None
    possible: str = ""

    def __str__(self) -> str:
        parts = [self.kind, self.series, " x ".join(map(str, self.size))]
        parts.append(" x ".join(f"{mm:.3g}" for mm in self.spacing_mm) + " mm" if self.spacing_mm else "")
        parts += [self.orientation, self.contrast, f"{self.coils} coils" if self.coils else ""]
        parts.append("" if self.sampled is None else f"{100 * self.sampled:.3g} % of k-space measured")
        choose = "" if self.choose is None else f"--series {self.choose}: "
        return f"{printable(self.path)}: {', '.join(filter(None, parts))}\n  {choose}{self.possible}"


def find(path: Path, axes: str | None = None) -> list[Found]:
    """Volumes and raw scans of a file, or in a folder and its subfolders.

    ``axes`` are those of bare arrays with k-space, see :func:`monai_gan_recon.io.read_raw`.

    Raises:
        FileNotFoundError: if there is no such path.
        ValueError: if there is nothing in it that can be read.

    Example:
        >>> [item.size for item in find(Path("scan.nii.gz"))]  # doctest: +SKIP
        [(256, 256, 192)]
    """
    path = home_expanded(path)
    if path.is_dir():
        files, dicom = visible_files(path), [volume for volume in volumes_in(path) if volume.is_dir()]
    else:
        of_disc = path.name.upper() == "DICOMDIR"
        files, dicom = ([], [path]) if of_disc or kind_of(path) == "dicom" else ([path], [])
    found = [item for file in files for item in _of_file(file, axes)]
    found += [item for source in dicom for item in _of_dicom(source, numbered=len(dicom) == 1)]
    if not found:
        raise ValueError(f"{path}: holds nothing that can be read; give NIfTI, DICOM, NRRD, .npy or raw k-space")
    return found


def _of_file(file: Path, axes: str | None) -> Iterator[Found]:
    kind = None
    try:
        kind = kind_of(file)
        if kind in (None, "dicom") or file.suffix == ".hdr":
            return
        if is_raw(file, axes):
            yield _of_raw(file, str(kind), axes)
            return
        size, affine, _ = read_geometry(file)
        labels = kind != "npy" and len(size) < 4 and is_valid(affine) and looks_like_labels(file)
    except (ValueError, OSError) as error:  # the other files still count
        if kind_by_name(file) != "dicom":  # else its series says so
            yield _unreadable(file, kind or "unreadable", error)
        return
    known = is_valid(affine) and kind != "npy"
    spacing = tuple(round(float(mm), 9) for mm in lengths(affine)) if known else None
    orientation = "".join(nib.aff2axcodes(affine)) if known else ""
    possible = _possible(size) if is_valid(affine) else "its affine is not valid: repair the header first"
    possible = _LABELS if labels else possible
    yield Found(file, str(kind), size, spacing, orientation, possible=possible)


def _of_raw(file: Path, kind: str, axes: str | None) -> Found:
    raw = read_raw(file, axes)
    slices, coils, height, width = raw.kspace.shape
    spacing = None if raw.affine is None else tuple(round(float(mm), 4) for mm in lengths(raw.affine))
    sampled = float(raw.sampled().mean())
    text = "reconstruct" if sampled < 1 else "fully sampled: reconstruct --retrospective --rate 0.25"
    size, middle = (slices, height, width), slices // 2
    if raw.maps is None and (
        doubt := coil_doubt(torch.from_numpy(raw.kspace[middle]), torch.from_numpy(raw.sampled()[middle])[None])
    ):
        text = f"{doubt}. Else {text}"
    return Found(file, kind, size, spacing, coils=coils, sampled=sampled, possible=f"{text}; convert")


def _of_dicom(source: Path, numbered: bool) -> Iterator[Found]:
    try:
        series = find_series(source)
    except (ValueError, OSError) as error:
        yield _unreadable(source, "dicom", error)
        return
    for place, item in enumerate(series, 1):
        yield replace(_of_series(item), choose=place if numbered and len(series) > 1 else None)


def _of_series(item: Series) -> Found:
    size = (*item.size, len(item.slices))
    number = "" if item.number is None else f"{item.number} "
    known, possible = bool(item.orientation), f"{item.unfit}: left out beside other series"
    if not item.unfit:
        try:
            with silent_pydicom():
                place_slices(item.slices, item.whole)
            possible = _possible(size)
        except ValueError as error:
            possible = printable(error)
    return Found(
        item.path,
        "dicom",
        size,
        tuple(round(mm, 4) for mm in item.spacing) if known else None,
        item.orientation,
        ", ".join(filter(None, (item.contrast, item.apart))),
        series=f"series {number}{item.uid}",
        possible=possible,
    )


def _unreadable(path: Path, kind: str, error: Exception) -> Found:
    return Found(path, kind, possible=printable(str(error).removeprefix(f"{path}: ")))


def _possible(size: tuple[int, ...]) -> str:
    if any(length != 1 for length in size[3:]):
        return "has more than three axes: extract one volume of it first"
    if len(size) < 2:
        return "a line of numbers: a sampling mask?"
    if sorted(size)[-2] < MIN_SLICE_SIZE:
        return f"no plane has slices of {MIN_SLICE_SIZE} x {MIN_SLICE_SIZE} pixels: nothing"
    return "image: reconstruct (undersamples it first; --mask if it is so already); segment, if it is a T1 of the head"


_LABELS = (
    "looks like a label map: a reference for Dice (evaluate --bundle brain_mri_tissue_segmentation), for regions, and "
    "for report --labels; nothing to reconstruct"
)
