"""Which format a file has, told by what it holds, and the readers of raw k-space."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable
from pathlib import Path

from ..checks import check_file, home_expanded
from ..errors import about
from . import arrays, bart, fastmri, mrd, twix
from .dicom.files import begins_as_dicom, visible
from .raw import RawScan, looks_like_kspace

__all__ = ["convert", "is_raw", "kind_by_name", "kind_of", "read_raw", "visible"]

_FORMATS = "ISMRMRD, fastMRI HDF5, BART .cfl/.hdr, Siemens .dat, .npy or .mat"
_READERS: dict[str | None, Callable[[Path, str | None, str | None], RawScan]] = {
    "ismrmrd": mrd.read,
    "hdf5": fastmri.read,
    "bart": bart.read,
    "twix": twix.read,
    "npy": arrays.read_npy,
    "mat": arrays.read_mat,
}
_WITH_KEYS, _KEYS = ("ismrmrd", "hdf5", "mat"), "scans in ISMRMRD, arrays in HDF5 and MATLAB"
_SIGNS = {
    (0, b"\x93NUMPY"): "npy",
    (0, b"MATLAB 5.0 MAT-file"): "mat",
    (0, b"MATLAB 7.3 MAT-file"): "mat",
    (0, b"\x89HDF\r\n\x1a\n"): "hdf5",
    (0, b"NRRD000"): "itk",
    (4, b"n+2\0"): "nifti",
    (344, b"n+1\0"): "nifti",
    (128, b"DICM"): "dicom",
}
"""Bytes at places of a file that tell its kind."""
_SUFFIXES = {
    ("nii", "nii.gz"): "nifti",
    ("nrrd", "nhdr", "mha", "mhd"): "itk",
    ("npy",): "npy",
    ("mat",): "mat",
    ("h5", "hdf5", "mrd"): "hdf5",
    ("dcm", "ima"): "dicom",
}
"""Ends of names, for formats without a sign, and so that readers of damaged files say what is wrong."""


def kind_of(path: Path) -> str | None:
    """Kind of a file, by its content if this tells it, else by the end of its name.

    Returns:
        "dicom", "nifti", "itk" (NRRD, MetaImage), "npy", "mat", "ismrmrd", "hdf5", "bart" or "twix"; ``None`` for
        folders and unknown files.

    Raises:
        FileNotFoundError: if there is no such file or folder, or it is a link to a file that is not here.
        ValueError: if it may not be read, or is a pipe or a device.
    """
    with about(path):
        check_file(path)
        if bart.header_of(path) is not None:
            return "bart"
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder; check the path")
        return _kind_of_file(path) if path.is_file() else None


def _kind_of_file(path: Path) -> str | None:
    with path.open("rb") as stream:
        start = stream.read(348)
    if start.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as stream:
                start = stream.read(348)
        except (OSError, EOFError, zlib.error):
            start = b""
    for (place, sign), kind in _SIGNS.items():
        if start[place:].startswith(sign) and path.name.upper() != "DICOMDIR":
            return "ismrmrd" if kind == "hdf5" and mrd.is_ismrmrd(path) else kind
    if twix.is_twix(path):
        return "twix"
    return kind_by_name(path) or ("dicom" if begins_as_dicom(start) else None)


def kind_by_name(path: Path) -> str | None:
    """Kind of a file by the end of its name; ``None`` for others."""
    name = path.name.lower()
    return next((kind for ends, kind in _SUFFIXES.items() if name.endswith(tuple(f".{end}" for end in ends))), None)


def read_raw(path: str | os.PathLike[str], axes: str | None = None, key: str | None = None) -> RawScan:
    """Read measured k-space, of whatever format.

    Args:
        path: ISMRMRD/MRD or fastMRI HDF5 file, BART's ".cfl" or ".hdr" (or their common name), Siemens ".dat" (twix),
            ".npy", ".mat".
        axes: order of the axes of files that do not say it (".npy", ".mat"; ".cfl" where it is not BART's own), names
            separated by commas. 2-D scans have ``h`` (readout) and ``w`` (phase encoding), slices across the
            readout of a 3-D scan ``phase1`` and ``phase2``, a whole 3-D k-space ``readout``, ``phase1`` and
            ``phase2``; beside them ``coils`` and ``slices``. Axes of length 1 may be left out.
        key: name of the k-space in a file that holds several arrays (HDF5, MATLAB), or of the group (ISMRMRD).

    Returns:
        The scan, sorted into slices.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: in one line, if it is not k-space, truncated, or contradicts itself.

    Example:
        >>> scan = read_raw("brain.npy", axes="coils,h,w")  # doctest: +SKIP
        >>> scan.kspace.shape  # doctest: +SKIP
        (1, 8, 256, 256)
    """
    path = home_expanded(path)
    kind = kind_of(path)
    if kind not in _READERS:
        raise ValueError(f"{path}: is not raw k-space of a known kind; give {_FORMATS}")
    if key is not None and kind not in _WITH_KEYS:
        raise ValueError(f"{path}: has one k-space, without a name; leave key out ({_KEYS} have names)")
    with about(path):
        return _READERS[kind](path, axes, key)


def is_raw(path: str | os.PathLike[str], axes: object = None) -> bool:
    """Whether a file holds raw k-space, by its content; complex ".npy" files are looked into.

    Where ``axes`` are stated, every complex array is k-space. Errors are those of :func:`kind_of`.
    """
    path = home_expanded(path)
    kind = kind_of(path)
    if kind != "npy":
        return kind in _READERS
    try:
        array = arrays.open_npy(path)
        return array.dtype.kind == "c" if axes else looks_like_kspace(array)
    except ValueError:
        return False  # not a file of numbers, or truncated: what reads it as an image says so


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    axes: str | None = None,
    key: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write raw k-space of any readable format, see :func:`read_raw`, as ISMRMRD to a ".h5" or ".mrd" file.

    Nothing is written if the source cannot be read.

    Raises:
        FileNotFoundError: if there is no such source.
        ValueError: in one line, if the source cannot be read, or the target exists and is not to be overwritten.
        OSError: if the target cannot be written.
    """
    target = mrd.check_name(target)
    if target.exists() and not overwrite:
        raise ValueError(f"{target}: exists already; choose another name, or overwrite it")
    return mrd.write_ismrmrd(read_raw(source, axes, key), target)
