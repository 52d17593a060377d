"""Files in and out, one kind a module, chosen by what the file holds."""

from .formats import convert, is_raw, read_raw
from .images import LoadVolume, LoadVolumed, find_volumes, load_label_volume, load_volume
from .masks import fit_mask, read_mask
from .mrd import write_ismrmrd
from .nifti import save_nifti
from .raw import RawScan, looks_like_kspace
from .writing import atomic_path, save_state

__all__ = [
    "LoadVolume",
    "LoadVolumed",
    "RawScan",
    "atomic_path",
    "convert",
    "find_volumes",
    "fit_mask",
    "is_raw",
    "load_label_volume",
    "load_volume",
    "looks_like_kspace",
    "read_mask",
    "read_raw",
    "save_nifti",
    "save_state",
    "write_ismrmrd",
]
