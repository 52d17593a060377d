"""NIfTI in and out: voxels to the last byte of the file, and both of its transforms with their codes."""

from __future__ import annotations

import gzip
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import torch
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError, HeaderTypeError
from nibabel.wrapstruct import WrapStructError

from ..atomic import atomic_path
from ..errors import refusing, silent
from .geometry import is_valid

TRANSFORMS = "nifti_transforms"
"""Key of a volume's metadata for the :class:`Transforms` of its file."""
GZIP = b"\x1f\x8b"
GZIP_RATIO = 1032
"""No stream of gzip is longer than this times its file."""
_MOST_TRAILING = 1 << 26
"""Bytes that may follow the voxels of a compressed file, beside as many again: more is inflated to no end."""
_WINDOW = 1024
"""Voxels of a slice, each way, by which an image is looked at."""
_MM = {1: 1000.0, 2: 1.0, 3: 0.001}
"""Length in mm of NIfTI's units metre, millimetre and micron; all others count as mm."""
_SCANNER = 1
_SLOPE_TOLERANCE = 1e-6
"""A slope of labels this near to 1 is 1: some writers store the neighbouring float32."""
_LONG_QUATERNION = 1.01
logger = logging.getLogger(__name__)


class Transforms(NamedTuple):
    """What a NIfTI file says of its place in space: both matrices, voxel to RAS in mm, and their codes (0: unknown)."""

    sform: np.ndarray
    sform_code: int
    qform: np.ndarray
    qform_code: int

    @property
    def affine(self) -> np.ndarray:
        """The matrix to use: the sform, unless its code is 0."""
        return self.sform if self.sform_code or not self.qform_code else self.qform


def read_nifti(path: Path, exact: bool = False) -> tuple[np.ndarray, Header]:
    """Volume and header of a NIfTI-1 or -2 in one file, compressed or not, whatever its name.

    Lengths in metres and microns become mm. A compressed file is read to its end, which checks its sum. ``exact`` keeps
    whole numbers whole (labels); their slope may differ from 1 by the rounding of a float32.

    Returns:
        array (X, Y, Z) or, of a 2-D file, (X, Y), of any type of numbers, its scale applied, and the header.

    Raises:
        ValueError: if it is not a NIfTI, truncated, damaged, a colour image, or 4-D.
    """
    header = read_header(path)
    shape, dtype = header.shape, header.dtype
    check_shape(path, shape)
    if dtype.kind not in "biufc":
        raise ValueError(f"{path}: holds colours or records, not one number a voxel; give the original image")
    if (unit := _unit(header.all)) not in _MM:
        level, said = (logging.WARNING, f"the unknown unit {unit}") if unit else (logging.INFO, "no unit")
        logger.log(level, "%s: names %s of length; mm are taken", path, said)
    packed, damaged = _is_packed(path), _check_voxels(path, header)
    with refusing(damaged), gzip.open(path) if packed else path.open("rb") as stream:
        raw = np.asarray(nib.arrayproxy.ArrayProxy(stream, header.all, mmap=False).get_unscaled())
        left = raw.nbytes + _MOST_TRAILING
        while packed and (more := len(stream.read(1 << 20))):  # the end of the stream holds its checksum
            if (left := left - more) < 0:
                raise EOFError("inflates without end")
    raw = raw.reshape(shape[:3])
    scale = header.scale
    if (
        exact
        and raw.dtype.kind in "biu"
        and abs(scale[0] - 1) < _SLOPE_TOLERANCE
        and scale[1] % 1 == 0
        and abs(scale[1]) < 2**53
    ):
        return (raw if scale[1] == 0 else raw.astype(np.int64) + int(scale[1])), header
    return (raw if scale == (1.0, 0.0) else _scaled(raw, *scale, exact)), header


def read_middle_slice(path: Path) -> np.ndarray:
    """At most 1024 x 1024 voxels of the slice in the middle of a NIfTI file; errors as in :func:`read_nifti`."""
    header = read_header(path)
    damaged = _check_voxels(path, header)
    with refusing(damaged), gzip.open(path) if _is_packed(path) else path.open("rb") as stream:
        proxy = nib.arrayproxy.ArrayProxy(stream, header.all, mmap=False)
        sides = (slice(max(length - _WINDOW, 0) // 2, (length + _WINDOW) // 2) for length in header.shape[:2])
        return np.asarray(proxy[(*sides, *(length // 2 for length in header.shape[2:]))])


def _check_voxels(path: Path, header: Header) -> ValueError:
    """Check that the file can hold what its header announces; what to raise for voxels that cannot be read."""
    damaged = ValueError(f"{path}: is truncated or damaged, its voxels cannot be read; copy it again")
    size = math.prod(map(int, header.shape)) * header.dtype.itemsize
    after_header = float(header.all["vox_offset"]) >= header.all.template_dtype.itemsize
    if not after_header or size > path.stat().st_size * (GZIP_RATIO if _is_packed(path) else 1):
        raise damaged
    return damaged


class Header(NamedTuple):
    """What a NIfTI header tells.

    Attributes:
        shape: all lengths.
        dtype: of the stored numbers.
        scale: slope and intercept of the stored numbers.
        transforms: place in space.
        readout: axis of the readout (``dim_info``), if it is said.
        all: nibabel's header.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    scale: tuple[float, float]
    transforms: Transforms
    readout: int | None
    all: nib.Nifti1Header

    def volume(self) -> tuple[tuple[int, ...], np.ndarray]:
        """Shape and affine of the image as a volume (X, Y, Z): that of a slice gets a third axis where it has none."""
        affine = self.transforms.affine.copy()
        shape = (*self.shape, 1)[:3]
        if shape[2] == 1 and np.linalg.norm(affine[:3, 2]) < 1e-6 * np.linalg.norm(affine[:3, 0]):
            affine[:3, 2] = np.cross(affine[:3, 0], affine[:3, 1]) / np.linalg.norm(affine[:3, 0])
        return shape, affine


def read_header(path: Path) -> Header:
    """Header of a NIfTI file, compressed or not, whatever its name; a ValueError if it is none, or damaged."""
    damaged = ValueError(f"{path}: is not a NIfTI file, or its header is damaged; copy it again")
    with (
        refusing(damaged, HeaderDataError, HeaderTypeError, ImageFileError, WrapStructError),
        gzip.open(path) if _is_packed(path) else path.open("rb") as stream,
        silent("nibabel.global"),
    ):
        header, transforms = _header(stream)
        slope, inter = header.get_slope_inter()
        scale = (1.0 if slope is None else float(slope), 0.0 if inter is None else float(inter))
        shape, dtype = header.get_data_shape(), header.get_data_dtype()
        result = Header(shape, dtype, scale, transforms, header.get_dim_info()[0], header)
    check_shape(path, shape[:3])
    return result


def _is_packed(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == GZIP


def _header(stream: Any) -> tuple[Any, Transforms]:
    size = stream.read(4)  # of the header; 540 in NIfTI-2, in either order of the bytes
    stream.seek(0)
    kind = nib.Nifti2Header if sorted(size) == [0, 0, 2, 28] else nib.Nifti1Header
    block = stream.read(kind.template_dtype.itemsize)  # without extensions, whose lengths may lie
    header, told = kind(block), kind(block, check=False)
    if any(header[name] != told[name] for name in ("sform_code", "qform_code")):
        raise HeaderDataError("an unknown code, with which nibabel forgets the transform")
    unit = _MM.get(_unit(header), 1.0)
    scale = np.diag([unit, unit, unit, 1.0])
    if not header["sform_code"] and not header["qform_code"]:
        return header, Transforms(scale @ header.get_base_affine(), 0, np.eye(4), 0)
    names = ("quatern_b", "quatern_c", "quatern_d")
    length = math.sqrt(sum(float(header[name]) ** 2 for name in names))
    if 1 < length < _LONG_QUATERNION:  # rounded, as some writers do; ITK reads it, too
        for name in names:
            header[name] = float(header[name]) / length
    qform = scale @ header.get_qform() if header["qform_code"] else np.eye(4)
    if not header["sform_code"]:
        return header, Transforms(np.eye(4), 0, qform, int(header["qform_code"]))
    code = int(header["qform_code"]) if is_valid(qform) else 0  # the sform counts, and results do without the other
    return header, Transforms(scale @ header.get_sform(), int(header["sform_code"]), qform, code)


def _unit(header: nib.Nifti1Header) -> int:
    """NIfTI's code of the unit of length."""
    return int(header["xyzt_units"]) & 7


def _scaled(raw: np.ndarray, slope: float, inter: float, exact: bool) -> np.ndarray:
    """``raw * slope + inter``, rounded once, with no second copy in float64 of a large volume."""
    if raw.dtype.kind == "c":
        with np.errstate(all="ignore"):
            return np.asarray(raw.astype(np.complex128) * slope + inter)
    small = raw.dtype.kind in "biu" and abs(slope) * 2.0**64 + abs(inter) < float(np.finfo(np.float32).max)
    result = np.empty(raw.shape, np.float32 if small and not exact else np.float64)
    with np.errstate(all="ignore"):  # what becomes infinite is told of later
        for index in range(raw.shape[-1]):
            result[..., index] = raw[..., index].astype(np.float64) * slope + inter
    return result


def check_shape(path: Path, shape: tuple[int, ...]) -> None:
    """Raise a ValueError for what is neither a volume (X, Y, Z) nor a slice (X, Y); further axes must have length 1."""
    if len(shape) < 2 or min(shape) < 1:
        raise ValueError(f"{path}: has shape {tuple(shape)}; give a volume (X, Y, Z) or one slice (X, Y)")
    if any(length > 1 for length in shape[3:]):
        raise ValueError(
            f"{path}: is {len(shape)}-D with shape {tuple(shape)}; extract one 3-D volume of it and give that"
        )


def save_nifti(
    array: np.ndarray | torch.Tensor,
    affine: np.ndarray | torch.Tensor,
    path: str | os.PathLike[str],
    meta: Mapping[str, Any] | None = None,
) -> Path:
    """Write a volume as NIfTI under a temporary name, then move it into place.

    Args:
        array: (X, Y, Z), or (1, X, Y, Z) as MONAI has it; stored as float32, complex input as complex64, integers
            (labels, from 0 on) as the smallest integers that hold them.
        affine: (4, 4) voxel to RAS in mm.
        path: file to write, ".nii.gz" (compressed) or ".nii"; an existing one is replaced.
        meta: metadata of the volume that this one lies on, as :func:`load_volume` gives them: where its file was a
            NIfTI of this affine, both transforms and their codes are copied. Else the affine is the sform (scanner),
            and the qform too unless it has shears, which a quaternion cannot hold.

    Returns:
        The path written.

    Raises:
        ValueError: if the name does not end in ".nii.gz" or ".nii", or a label is negative or beyond 2^63 - 1.
        OSError: if it cannot be written (disk full, no permission); nothing is left behind then.
    """
    path = Path(path)
    if not path.name.endswith((".nii.gz", ".nii")):
        raise ValueError(f"{path}: a NIfTI file's name must end in .nii.gz or .nii")
    plain = array.as_subclass(torch.Tensor).detach().cpu().numpy() if isinstance(array, torch.Tensor) else array
    values = plain[0] if plain.ndim == 4 and plain.shape[0] == 1 else plain
    matrix = torch.as_tensor(affine).detach().cpu().numpy().astype(np.float64)
    kind = _stored_type(path, values)
    image = nib.Nifti1Image(values.astype(kind), None, dtype=kind)
    _place(image.header, matrix, (meta or {}).get(TRANSFORMS))
    image.header.set_xyzt_units("mm")
    if values.dtype.kind in "biu":
        image.header.set_intent("label")
    with atomic_path(path) as temporary:
        nib.save(image, temporary)
    return path


def _stored_type(path: Path, values: np.ndarray) -> type[np.generic]:
    if values.dtype.kind not in "biu":
        return np.complex64 if np.iscomplexobj(values) else np.float32
    least, largest = int(values.min(initial=0)), int(values.max(initial=0))
    if least < 0 or largest > np.iinfo(np.int64).max:
        raise ValueError(f"{path}: labels go from 0 to 2^63 - 1, not from {least} to {largest}")
    kinds: tuple[type[np.integer], ...] = (np.uint8, np.uint16, np.int32)
    return next((kind for kind in kinds if largest <= np.iinfo(kind).max), np.int64)


def _place(header: nib.Nifti1Header, affine: np.ndarray, known: Transforms | None) -> None:
    header.set_zooms(np.linalg.norm(affine[:3, :3], axis=0)[: len(header.get_zooms())])
    if known is not None and np.allclose(known.affine, affine, rtol=1e-5, atol=1e-6 * np.abs(affine).max()):
        if known.qform_code:
            header.set_qform(known.qform, known.qform_code)
        if known.sform_code:
            header.set_sform(known.sform, known.sform_code)
        return
    header.set_sform(affine, _SCANNER)
    header.set_qform(affine, _SCANNER)  # of the nearest rotation
    length = np.linalg.norm(affine[:3, :3], axis=0).max()
    if np.abs(header.get_qform() - affine)[:3, :3].max() > 1e-4 * length:
        header["qform_code"] = 0
