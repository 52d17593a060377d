"""Data in and out: manifests split by person, readers with clear errors, training slices, writers."""

from .cases import case_name, with_cases
from .epochs import EpochDataset, EpochSampler
from .manifest import Manifest, load_manifest
from .manifest_check import manifest_problems
from .reading import LoadVolume, LoadVolumed, find_volumes, load_volume
from .slice_dataset import VolumeSliceDataset
from .validation_slices import ValidationSlices
from .writing import save_nifti

__all__ = [
    "EpochDataset",
    "EpochSampler",
    "LoadVolume",
    "LoadVolumed",
    "Manifest",
    "ValidationSlices",
    "VolumeSliceDataset",
    "case_name",
    "find_volumes",
    "load_manifest",
    "load_volume",
    "manifest_problems",
    "save_nifti",
    "with_cases",
]
