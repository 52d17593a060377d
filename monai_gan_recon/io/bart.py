"""BART's pairs of files: ".hdr", the dimensions as text, and ".cfl", complex64 in Fortran's order."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from .arrays import from_axes
from .raw import RawScan

_MAGIC = "# Dimensions"
_DIMENSIONS = ("readout", "phase1", "phase2", "coils")
_SLICE = 13
_MOST = 32
"""Dimensions of an array of NumPy before its version 2; BART has 16."""


def header_of(path: Path) -> Path | None:
    """BART's ".hdr" file for a ".cfl", a ".hdr" or their common name; ``None`` if this is something else."""
    base = path.with_suffix("") if path.suffix.lower() in (".cfl", ".hdr") else path
    header = base.with_name(base.name + ".hdr")
    if path.is_dir() or (base == path and path.exists()) or not header.is_file():
        if path.suffix.lower() == ".cfl" and path.is_file():
            raise FileNotFoundError(f"{header}: no such file; a .cfl file needs its .hdr beside it")
        return None
    with header.open("rb") as stream:
        return header if stream.read(64).startswith(_MAGIC.encode()) else None


def read(path: Path, axes: str | None, key: str | None) -> RawScan:
    """Read BART's k-space; see :func:`monai_gan_recon.io.read_raw`. Without ``axes`` its dimensions are BART's own."""
    header = header_of(path)
    assert header is not None
    data = header.with_suffix(".cfl")
    if not data.is_file():
        raise FileNotFoundError(f"{data}: no such file; a .hdr file needs its .cfl beside it")
    try:
        with header.open("rb") as stream:
            shape = tuple(map(int, stream.read(1 << 16).decode().split("\n")[1].split()))
        if not 0 < len(shape) <= _MOST:
            raise ValueError(f"{len(shape)} dimensions")
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise ValueError("its .hdr does not list the dimensions; write it again") from error
    if min(shape, default=0) < 1 or data.stat().st_size != 8 * math.prod(shape):
        size = " x ".join(map(str, shape))[:100]
        raise ValueError(
            f"its .hdr announces {size} complex numbers, and its .cfl has {data.stat().st_size / 8:g}; it is "
            "truncated, or header and data are not of the same scan"
        )
    array = np.memmap(data, np.complex64, mode="r", shape=shape, order="F")
    return from_axes(array, axes, "BART") if axes else from_axes(*_bart_axes(array), "BART")


def _bart_axes(array: np.ndarray) -> tuple[np.ndarray, str]:
    shape = array.shape + (1,) * (_SLICE + 1 - array.ndim)
    long = [dimension for dimension, length in enumerate(shape) if length > 1]
    others = [dimension for dimension in long if dimension > 3 and dimension != _SLICE]
    if others:
        raise ValueError(
            f"has {shape[others[0]]} entries along BART's dimension {others[0]} (sets of maps, echoes, times, ...); "
            "extract one with `bart slice`"
        )
    if {0, 1, 2} <= set(long):
        raise ValueError(
            "is 3-D k-space (readout and two phase encodings) where slices are meant; say "
            "--axes readout,phase1,phase2,coils to have it transformed along the readout"
        )
    plane = [dimension for dimension in (0, 1, 2) if dimension in long]
    if len(plane) != 2:
        raise ValueError(f"has shape {array.shape}, without two long axes among the first three; give a k-space")
    names = {plane[0]: "h", plane[1]: "w"} if 0 in plane else {1: "phase1", 2: "phase2"}
    names |= {3: "coils", _SLICE: "slices"}
    kept = sorted(names)
    return array.reshape([shape[d] for d in kept], order="F"), ",".join(names[d] for d in kept)
