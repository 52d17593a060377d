"""K-space in files of bare arrays, ".npy" and ".mat", whose axes the user states."""

from __future__ import annotations

import logging
import math
import mmap
import os
import tokenize
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
from scipy.io.matlab import MatReadError

from ..errors import printable, refusing
from .raw import RawScan, to_image

_NAMES = ("slices", "coils", "h", "w", "readout", "phase1", "phase2")
_PLANES = ({"h", "w"}, {"phase1", "phase2"}, {"readout", "phase1", "phase2"})
_STATE = "state them: --axes coils,h,w, or h,w,slices, or, for 3-D k-space, readout,phase1,phase2,coils"
_MI_MATRIX, _MI_COMPRESSED = 14, 15
_BLOCK = 1 << 14
_HEAP = b"GCOL\x01\0\0\0"
_PACKED = 1032
"""No compressed data are longer than this times their file."""
DAMAGED = "is damaged or truncated, its data cannot be read; copy it again"
_ELSEWHERE = "{} lies in another file, which is not looked into; copy it into this one"
logger = logging.getLogger(__name__)


def read_npy(path: Path, axes: str | None, key: str | None) -> RawScan:
    """Read a ".npy" file; see :func:`monai_gan_recon.io.read_raw`."""
    return from_axes(open_npy(path), axes, "NumPy")


def open_npy(path: Path) -> np.ndarray:
    """Map a ".npy" file of numbers; what its header announces is there, so that no memory is asked for in vain.

    Anything else (objects, ".npz") and what is truncated is a ValueError, which does not name the file.
    """
    damaged = ValueError("is not a NumPy .npy file of numbers, or it is truncated")
    with path.open("rb") as stream:
        start = stream.read(12)
    if start[6:7] != b"\1" and int.from_bytes(start[8:], "little") > path.stat().st_size:
        raise damaged  # NumPy would ask for that much memory for the header
    with refusing(damaged, tokenize.TokenError):  # the header is Python's text
        return np.lib.format.open_memmap(path, mode="r")


def read_mat(path: Path, axes: str | None, key: str | None) -> RawScan:
    """Read a MATLAB file, version 5 to 7.3; see :func:`monai_gan_recon.io.read_raw`."""
    if h5py.is_hdf5(path):  # version 7.3; MATLAB's axes are in Fortran's order
        with open_hdf5(path) as file:
            return from_axes(complex_array(choose(arrays_of(file), key)).T, axes, "MATLAB")
    _check_mat(path)
    with refusing(ValueError(DAMAGED), MatReadError):
        variables = scipy.io.loadmat(path)
    arrays = {
        name: value
        for name, value in variables.items()
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufc" and value.size > 1
    }
    return from_axes(choose(arrays, key), axes, "MATLAB")


def _check_mat(path: Path) -> None:
    """Raise a ValueError for a damaged file of version 5 before scipy sees it, which such a one can end."""
    with path.open("rb") as stream:
        start = stream.read(4)
    if len(start) < 4 or 0 in start:  # scipy takes it for version 4, and asks for memory unchecked
        raise ValueError(
            "is no MATLAB file of version 5 to 7.3; if it is of version 4, save it again: save(..., '-v7')"
        )
    content = np.memmap(path, np.uint8, mode="r").data
    order, at = ("little" if bytes(content[126:128]) == b"IM" else "big"), 128
    try:
        while at < len(content):
            kind, size = (int.from_bytes(content[at + k : at + k + 4], order) for k in (0, 4))  # type: ignore[arg-type]
            element = content[at + 8 : at + 8 + size]
            if kind == _MI_COMPRESSED:
                kind, whole = _inflated(element, order)
            else:
                whole = len(element) == size
            if kind != _MI_MATRIX or not whole:
                raise ValueError(DAMAGED)
            at += 8 + size
    except zlib.error as error:
        raise ValueError(DAMAGED) from error


def _inflated(packed: memoryview, order: Any) -> tuple[int, bool]:
    """Kind of a compressed element, and whether it has the length it tells; never more of it is inflated."""
    unpack, first, length, size = zlib.decompressobj(), b"", 0, 0
    for start in range(0, len(packed), _BLOCK):
        piece = unpack.decompress(packed[start : start + _BLOCK])
        first, size = (first + piece[:8])[:8], size + len(piece)
        length = 8 + int.from_bytes(first[4:], order)
        if size > length:
            break
    return int.from_bytes(first[:4], order), unpack.eof and size == length


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file; a ValueError if it is damaged, or has links into other files."""
    with refusing(ValueError(DAMAGED)):
        file = h5py.File(path)
    with file:
        with refusing(ValueError(DAMAGED)):
            outside = file.id.links.visit(_outside, info=True)
        if outside is not None:
            raise ValueError(_ELSEWHERE.format(printable(outside)))
        yield file


def _outside(name: bytes, link: Any) -> str | None:
    return os.fsdecode(name) if link.type == h5py.h5l.TYPE_EXTERNAL else None


def check_heaps(path: Path) -> None:
    """Raise a ValueError if lengths in an HDF5 file's heaps do not fit; HDF5 would follow a wrong one without end."""
    if not h5py.is_hdf5(path):
        raise ValueError(DAMAGED)
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as file:
        start = file.find(_HEAP)
        while start >= 0:
            at, end = start + 16, start + int.from_bytes(file[start + 8 : start + 16], "little")
            while at + 16 <= min(end, len(file)):
                size = int.from_bytes(file[at + 8 : at + 16], "little")
                step = 16 + -(-size // 8) * 8 if any(file[at : at + 2]) else size  # number 0: what is free
                if not 16 <= step <= end - at:
                    raise ValueError(DAMAGED)
                at += step
            start = file.find(_HEAP, start + 16)


def arrays_of(file: h5py.File) -> dict[str, h5py.Dataset]:
    """The arrays of numbers with at least two axes in an HDF5 file, by name."""
    with refusing(ValueError(DAMAGED)):
        items = {str(name): item for name, item in file.items() if isinstance(item, h5py.Dataset)}
        kinds = {name: item.dtype.kind for name, item in items.items() if item.ndim > 1}
    return {name: items[name] for name, kind in kinds.items() if kind in "biuf" or is_complex(items[name])}


def check_size(dataset: h5py.Dataset) -> h5py.Dataset:
    """The dataset; a ValueError if file or memory cannot hold what it announces, or the data lie in another file."""
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(DAMAGED)
    with refusing(ValueError(DAMAGED)):
        if not _side_by_side(dataset.dtype):
            raise ValueError(DAMAGED)
        most = max(math.prod(dataset.shape), math.prod(dataset.chunks or ()))
        packed = dataset.chunks and dataset.id.get_create_plist().get_nfilters()
        size, there = most * dataset.dtype.itemsize, os.path.getsize(dataset.file.filename)
        elsewhere = dataset.is_virtual or dataset.external
    if elsewhere:
        raise ValueError(_ELSEWHERE.format(dataset.name))
    if size > there * (_PACKED if packed else 1):
        raise ValueError(
            f"{dataset.name} announces {size} bytes, more than its file can hold; it is damaged or truncated"
        )
    return dataset


def _side_by_side(dtype: np.dtype) -> bool:
    """Whether no fields of a record overlap: of a damaged type whose fields do, HDF5 writes beyond the memory."""
    inner = dtype.subdtype[0] if dtype.subdtype else h5py.check_vlen_dtype(dtype)
    if isinstance(inner, np.dtype):
        return _side_by_side(inner)
    end = 0
    for kind, start, *_ in sorted((dtype.fields or {}).values(), key=lambda field: field[1]):
        if start < end or not _side_by_side(kind):
            return False
        end = start + kind.itemsize
    return end <= dtype.itemsize


def is_complex(dataset: h5py.Dataset) -> bool:
    """Whether a dataset is complex: h5py's type, or MATLAB's and ISMRMRD's pairs of numbers."""
    return dataset.dtype.kind == "c" or dataset.dtype.names in (("real", "imag"), ("r", "i"))


def complex_array(dataset: h5py.Dataset, part: Any = ()) -> np.ndarray:
    """All of a dataset, or a part of it, checked by :func:`check_size`; pairs of numbers become complex."""
    check_size(dataset)
    with refusing(ValueError(DAMAGED)):
        values = np.asarray(dataset[part])
    if values.dtype.names is None:
        return values
    pair = [np.dtype(values.dtype[name]) for name in values.dtype.names]
    if pair[0] != pair[1] or pair[0].kind != "f" or pair[0].itemsize not in (4, 8):
        raise ValueError(f"{dataset.name} holds pairs of {pair[0]} and {pair[1]}; k-space is complex")
    return np.ascontiguousarray(values).view(np.complex128 if pair[0].itemsize == 8 else np.complex64)


def choose(arrays: dict[str, Any], key: str | None) -> Any:
    """The array named ``key``; without a name "kspace", or the only complex one; a ValueError if there is no such."""
    names = ", ".join(sorted(arrays)) or "no array of numbers"
    if key is not None:
        if key not in arrays:
            raise ValueError(f"has no array {key!r} but {names}; give the name of one as key")
        return arrays[key]
    if "kspace" in arrays:
        return arrays["kspace"]
    found = [
        array
        for array in arrays.values()
        if (is_complex(array) if isinstance(array, h5py.Dataset) else array.dtype.kind == "c")
    ]
    if len(found) == 1 or len(arrays) == 1:
        return (found or list(arrays.values()))[0]
    raise ValueError(f"holds {names}; give the name of the k-space as key")


def from_axes(array: np.ndarray, axes: str | None, source: str) -> RawScan:
    """A scan from a complex array whose axes are stated, zero frequency at ``n // 2``.

    ``axes`` are those of :func:`monai_gan_recon.io.read_raw`; ``None`` is enough for two axes longer than 1, which can
    only be readout and phase encoding. ``source`` is the kind of file.

    Raises:
        ValueError: if the array is real, or the axes do not fit it.
    """
    if array.dtype.kind != "c":
        raise ValueError(f"holds real numbers ({array.dtype}, shape {array.shape}); k-space is complex")
    names = [name.strip().lower() for name in axes.split(",")] if axes else []
    if not names:
        longer = tuple(length for length in array.shape if length > 1)
        if len(longer) != 2:
            raise ValueError(f"does not say what the axes of its shape {array.shape} are; {_STATE}")
        names = ["h", "w"]
        logger.info("%s: shape %s can only be one slice of one coil: readout, phase encoding", source, array.shape)
    unknown = [name for name in names if name not in _NAMES]
    plane = {name for name in names if name not in ("slices", "coils")}
    if unknown or len(set(names)) != len(names) or plane not in _PLANES:
        raise ValueError(f"axes {axes!r} are not axes of k-space ({', '.join(_NAMES)}, each once); {_STATE}")
    if {"slices", "readout"} <= set(names):
        raise ValueError(f"axes {axes!r}: slices of 3-D k-space lie across its readout; give one 3-D scan")
    if len(names) != array.ndim:
        array = array.squeeze()
    if len(names) != array.ndim:
        raise ValueError(f"has shape {array.shape}, which is not {len(names)} axes ({axes}); {_STATE}")
    order = (
        "readout" if "readout" in names else "slices",
        "coils",
        *(("h", "w") if "h" in names else _NAMES[5:]),
    )
    length = dict(zip(names, array.shape, strict=True))
    view = array.transpose([names.index(name) for name in order if name in names])
    view = view.reshape([length.get(name, 1) for name in order])
    kspace = np.empty(view.shape, np.complex64)
    for coil in range(view.shape[1]):  # coil by coil: a large file is in memory once
        one = view[:, coil]
        kspace[:, coil] = to_image(one, axis=0) if "readout" in names else one
    return RawScan(kspace, readout="h" in names, source=source)
