"""DICOM in and out."""

from .reader import is_dicom, read_dicom

__all__ = ["is_dicom", "read_dicom"]
