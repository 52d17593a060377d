"""DICOM in and out."""

from .reader import is_dicom
from .series import Series, choose_series, find_series, plane_across, read_dicom, read_headers

__all__ = [
    "Series",
    "choose_series",
    "find_series",
    "is_dicom",
    "plane_across",
    "read_dicom",
    "read_headers",
]
