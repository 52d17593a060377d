"""DICOM in and out."""

from .deidentify import deidentify
from .derived import derive_series, save_files
from .files import is_dicom
from .labels import derive_report, derive_segmentation, require_highdicom
from .series import choose_series, find_series, read_dicom, read_headers
from .stacks import Series

__all__ = [
    "Series",
    "choose_series",
    "deidentify",
    "derive_report",
    "derive_segmentation",
    "derive_series",
    "find_series",
    "is_dicom",
    "read_dicom",
    "read_headers",
    "require_highdicom",
    "save_files",
]
