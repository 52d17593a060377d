"""Files in and out, one kind a module, chosen by what the file holds."""

from .formats import convert, is_raw, read_raw
from .mrd import write_ismrmrd
from .raw import RawScan, looks_like_kspace
from .writing import atomic_path, save_nifti, save_state

__all__ = [
    "RawScan",
    "atomic_path",
    "convert",
    "is_raw",
    "looks_like_kspace",
    "read_raw",
    "save_nifti",
    "save_state",
    "write_ismrmrd",
]
