"""Results as DICOM objects of the study that the input comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from monai.data import MetaTensor
from pydicom.sr.codedict import codes

from monai_gan_recon.io.dicom import (
    Series,
    choose_series,
    deidentify,
    derive_report,
    derive_segmentation,
    derive_series,
    read_headers,
    save_files,
)

FORMATS = ("nifti", "dicom")
_SERIES: dict[str, tuple[str, Any, int]] = {
    "recon": ("reconstruction", codes.DCM.IterativeReconstruction, 1000),
    "zero_filled": ("zero-filled", None, 1100),
    "error": ("absolute error", codes.DCM.PixelByPixelSubtraction, 1200),
}
"""End of the series description, derivation code and offset of the series number of each kind of volume."""


def wants_dicom(format: str, source_dicom: str | os.PathLike[str] | None = None, clean: bool = False) -> bool:
    """Whether results are to be DICOM; a ValueError for another format, or for options that only DICOM has."""
    if format not in FORMATS:
        raise ValueError(f"--format: {format!r} is none of {', '.join(FORMATS)}")
    if format != "dicom" and (source_dicom is not None or clean):
        raise ValueError("--source_dicom and --deidentify are for --format dicom")
    return format == "dicom"


def derivation_text(pattern: str | None = None, rate: float | None = None, track: str | None = None) -> str:
    """What was done, for the Derivation Description; without arguments: reconstruction of what was measured so."""
    how = "" if pattern is None else f" after undersampling to {100 * (rate or 1):.3g} % ({pattern}, {track} track)"
    return f"Unrolled network reconstruction{how}. For research, not for diagnosis."


class DicomOutput:
    """Writer of derived DICOM objects, a new folder a result.

    Args:
        source_dicom: DICOM series that the input was made of, for input that is not DICOM itself.
        deidentify: remove identity, see :func:`monai_gan_recon.io.dicom.deidentify`.
        derivation: what was done to the images.

    Raises:
        FileNotFoundError: if there is no such source.
        ValueError: if it is not one series.
    """

    def __init__(
        self,
        source_dicom: str | os.PathLike[str] | None = None,
        deidentify: bool = False,
        derivation: str = "",
    ) -> None:
        self.deidentify, self.derivation = deidentify, derivation
        chosen = [] if source_dicom is None else choose_series(source_dicom, "all")
        if len(chosen) > 1:
            raise ValueError(f"--source_dicom: {source_dicom} holds {len(chosen)} series; give the folder of one")
        self.source = chosen[0] if chosen else None

    def check(self, series: Series | None) -> None:
        """Raise a ValueError if nothing says which study a result belongs to."""
        if series is None and self.source is None:
            raise ValueError("--format dicom: the input is not DICOM; give the series it comes from as --source_dicom")

    def save_volume(self, volume: MetaTensor, series: Series | None, folder: Path, what: str = "recon") -> None:
        """Write a volume (1, X, Y, Z) as a derived MR series; ``what``: "recon", "zero_filled" or "error"."""
        description, code, offset = _SERIES[what]
        headers = self._headers(series)
        slices = derive_series(*_voxels(volume), headers, description, self.derivation, code, offset)
        folder.mkdir()
        save_files(slices, folder)

    def save_labels(
        self, labels: MetaTensor, volumes_ml: dict[int, float], series: Series | None, folder: Path
    ) -> None:
        """Write tissue labels (1, X, Y, Z) as segmentation.dcm, and their volumes as measurements.dcm."""
        headers = self._headers(series)
        segmentation = derive_segmentation(*_voxels(labels), headers)
        report = derive_report(segmentation, volumes_ml, headers)
        folder.mkdir()
        segmentation.save_as(folder / "segmentation.dcm")
        report.save_as(folder / "measurements.dcm")

    def _headers(self, series: Series | None) -> list[pydicom.Dataset]:
        self.check(series)
        source = self.source or series
        assert source is not None
        headers = read_headers(source)
        return deidentify(headers) if self.deidentify else headers


def _voxels(volume: MetaTensor) -> tuple[np.ndarray, np.ndarray]:
    """Array (X, Y, Z) and affine of a volume (1, X, Y, Z)."""
    return volume.as_tensor()[0].detach().cpu().numpy(), volume.affine.detach().cpu().double().numpy()
