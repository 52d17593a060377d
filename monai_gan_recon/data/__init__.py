"""Which data: manifests split by person, and data sets of training slices."""

from .cases import case_name, with_cases
from .epochs import EpochDataset, EpochSampler
from .manifest import Manifest, load_manifest
from .manifest_check import manifest_problems
from .slice_dataset import VolumeSliceDataset
from .validation_slices import ValidationSlices, check_validation

__all__ = [
    "EpochDataset",
    "EpochSampler",
    "Manifest",
    "ValidationSlices",
    "VolumeSliceDataset",
    "case_name",
    "check_validation",
    "load_manifest",
    "manifest_problems",
    "with_cases",
]
