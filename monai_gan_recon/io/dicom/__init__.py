"""DICOM in and out."""

from .deidentify import deidentify
from .derived import derive_series, save_files
from .files import is_dicom
from .labels import derive_report, derive_segmentation, require_highdicom
from .series import Series, choose_series, find_series, plane_across, read_dicom, read_headers

__all__ = [
    "Series",
    "choose_series",
    "deidentify",
    "derive_report",
    "derive_segmentation",
    "derive_series",
    "find_series",
    "is_dicom",
    "plane_across",
    "read_dicom",
    "read_headers",
    "require_highdicom",
    "save_files",
]
