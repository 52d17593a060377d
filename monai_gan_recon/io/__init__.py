"""Files in and out, one kind a module, chosen by what the file holds."""

import warnings

with warnings.catch_warnings():  # its import changes which warnings the whole program shows
    import ismrmrd  # noqa: F401

from .formats import convert, is_raw, read_raw
from .images import find_volumes, is_3d_scan, own_plane
from .loading import LoadVolumed, load_label_volume, load_volume
from .masks import fit_mask, read_mask
from .mrd import write_ismrmrd
from .nifti import save_nifti
from .raw import RawScan, looks_like_kspace

__all__ = [
    "LoadVolumed",
    "RawScan",
    "convert",
    "find_volumes",
    "fit_mask",
    "is_3d_scan",
    "is_raw",
    "load_label_volume",
    "load_volume",
    "looks_like_kspace",
    "own_plane",
    "read_mask",
    "read_raw",
    "save_nifti",
    "write_ismrmrd",
]
