"""Checks that DICOM slices make up one complete volume: none damaged, missing or foreign."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
DAMAGED = "a DICOM file in it is damaged or truncated; export the series again"
CONVERT = "convert it to NIfTI (for example with dcm2niix) and give that"


def images_of(
    path: Path, objects: list[tuple[pydicom.FileDataset, Path]]
) -> list[tuple[pydicom.FileDataset, Path]]:
    """The objects with pixels, without those of another kind, such as reports.

    Args:
        path: folder or file, for messages.
        objects: pydicom data sets and their files.

    Raises:
        ValueError: if none has pixels, or an image has lost them.
    """
    images = [item for item in objects if any(tag in item[0] for tag in PIXELS)]
    others = [item for item in objects if not any(tag in item[0] for tag in PIXELS)]
    if not images:
        raise ValueError(f"{path}: its DICOM data have no pixel data; give a series of images")
    series = {dataset.get("SeriesInstanceUID") for dataset, _ in images}
    classes = {dataset.file_meta.get("MediaStorageSOPClassUID") for dataset, _ in images}
    for dataset, _ in others:
        kind = dataset.file_meta.get("MediaStorageSOPClassUID")
        if "Rows" in dataset or kind in classes or dataset.get("SeriesInstanceUID") in series:
            raise ValueError(f"{path}: {DAMAGED}")
    return images


def check_one_series(path: Path, datasets: list[pydicom.Dataset]) -> None:
    """Check that images are slices of one series: single frames, gray, with geometry, of one size and spacing.

    Raises:
        ValueError: in one line.
    """
    series = {str(dataset.get("SeriesInstanceUID", "")) for dataset in datasets}
    if len(series) > 1:
        raise ValueError(
            f"{path}: holds {len(series)} DICOM series; put each in a folder of its own and give one"
        )
    for dataset in datasets:
        if int(dataset.get("NumberOfFrames") or 1) > 1:
            raise ValueError(f"{path}: is multi-frame (enhanced) DICOM; {CONVERT}")
        if int(dataset.get("SamplesPerPixel") or 1) > 1:
            raise ValueError(f"{path}: is a colour image, not MRI data; give the original series")
        if not all(
            dataset.get(tag) for tag in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
        ):
            raise ValueError(
                f"{path}: its DICOM data have no slice position, orientation or spacing; {CONVERT}"
            )
    grids = {
        (dataset.get("Rows"), dataset.get("Columns"), tuple(dataset.PixelSpacing)) for dataset in datasets
    }
    if len(grids) > 1:
        raise ValueError(f"{path}: its slices differ in size or spacing; give a folder of one DICOM series")


def slice_distances(path: Path, datasets: list[pydicom.Dataset]) -> tuple[np.ndarray, np.ndarray]:
    """Positions of parallel slices along their normal.

    Returns:
        distances in mm from the origin, (slices,), and the normal, (3,), in LPS.

    Raises:
        ValueError: if the slices are not parallel.
    """
    orientation = np.array([dataset.ImageOrientationPatient for dataset in datasets], dtype=float)
    if np.abs(orientation - orientation[0]).max() > 1e-3:
        raise ValueError(
            f"{path}: its slices are not parallel (a localiser?); give a folder of one DICOM series"
        )
    normal = np.cross(orientation[0, :3], orientation[0, 3:])
    position = np.array([dataset.ImagePositionPatient for dataset in datasets], dtype=float)
    return position @ normal, normal


def check_spacing(path: Path, distance: np.ndarray) -> None:
    """Check that sorted distances in mm are even: no slice is missing, none repeated.

    Raises:
        ValueError: saying how many are, about.
    """
    gaps = np.diff(distance)
    if gaps.size == 0:
        return
    repeated = int((gaps < 1e-3).sum())
    if repeated:
        raise ValueError(
            f"{path}: {repeated} of {distance.size} DICOM slices repeat a position (several echoes, times?); "
            "put each volume in a folder of its own"
        )
    spacing = float(np.median(gaps))
    if np.abs(gaps - spacing).max() > max(0.02 * spacing, 0.01):
        missing = int(np.round(gaps / spacing - 1).clip(0).sum())
        about = f"about {missing} missing" if missing else "positions are irregular"
        raise ValueError(
            f"{path}: its DICOM slices are unevenly spaced ({about}); export the complete series again"
        )
