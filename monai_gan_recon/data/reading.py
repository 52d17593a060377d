"""Images in: NIfTI, DICOM series, NumPy slices, NRRD as one kind of volume, with clear errors."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import MetaKeys, SpaceKeys

from ..vocabulary import MIN_SLICE_SIZE
from .dicom_series import is_dicom, read_dicom
from .input_check import check_affine, check_slice_size, check_values
from .volume_formats import ITK, NIFTI, NUMPY, read_itk, read_nifti, read_numpy


def load_volume(
    path: str | os.PathLike[str], plane: str | None = None, min_size: int = MIN_SLICE_SIZE
) -> MetaTensor:
    """Read one volume and check that it can be reconstructed.

    Args:
        path: NIfTI file, folder of one DICOM series (or one DICOM file), ".npy" slices (H, W) or (N, H, W) as
            displayed, NRRD or MetaImage file. A single slice is a volume of one slice.
        plane: plane whose slices will be used ("coronal", "axial", "sagittal"), for the check of their size
            and for ".npy" files, which do not say (default coronal).
        min_size: least height and width of a slice in pixels.

    Returns:
        (1, X, Y, Z), float32 (complex64 for complex NIfTI), with the affine (voxel to RAS, mm) and the file's
        name in ``meta``; nothing else of the header is kept, so nothing about the patient.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        ValueError: in one line, if it cannot be read (truncated, not a NIfTI, empty folder, several or
            incomplete DICOM series), or is no image to work with (NaN or infinite values, constant, 4-D,
            slices too small).
    """
    path = Path(path).expanduser()
    array, affine = _read(path, plane)
    check_affine(path, affine)
    check_slice_size(path, array.shape, affine, plane, min_size)
    image = torch.from_numpy(np.ascontiguousarray(array[None]))
    if not image.is_complex():
        image = image.float()
    check_values(path, image)
    matrix = torch.as_tensor(affine, dtype=torch.float64)
    meta = {
        MetaKeys.ORIGINAL_AFFINE: matrix.clone(),
        MetaKeys.SPATIAL_SHAPE: np.array(array.shape),
        MetaKeys.SPACE: SpaceKeys.RAS,
        MetaKeys.ORIGINAL_CHANNEL_DIM: float("nan"),
        "filename_or_obj": str(path),
    }
    return MetaTensor(image, affine=matrix, meta={str(key): value for key, value in meta.items()})


def _read(path: Path, plane: str | None) -> tuple[np.ndarray, np.ndarray]:
    name = path.name.lower()
    try:
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder; check the path")
        if path.is_dir() or is_dicom(path):
            return read_dicom(path)
        if name.endswith(NIFTI):
            return read_nifti(path)
        if name.endswith(NUMPY):
            return read_numpy(path, plane)
        if name.endswith(ITK):
            return read_itk(path)
    except PermissionError as error:
        raise ValueError(f"{path}: may not be read; check its permissions") from error
    raise ValueError(
        f"{path}: unknown kind of file; give NIfTI (.nii, .nii.gz), a DICOM folder, .npy or .nrrd"
    )


def find_volumes(path: str | os.PathLike[str]) -> list[Path]:
    """Volumes that an input path stands for.

    Args:
        path: a file, a DICOM folder (itself the one volume), or a folder whose files and DICOM subfolders are
            volumes.

    Returns:
        paths for :func:`load_volume`, sorted by name, never empty.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if the folder holds nothing that can be read.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder; check the path")
    if path.is_file():
        return [path]
    entries = sorted(path.iterdir())
    if any(is_dicom(entry) for entry in entries):
        return [path]
    volumes = [
        entry
        for entry in entries
        if (entry.is_file() and entry.name.lower().endswith(NIFTI + NUMPY + ITK))
        or (entry.is_dir() and any(is_dicom(file) for file in entry.iterdir()))
    ]
    if not volumes:
        what = "empty" if not entries else "without NIfTI files, DICOM series or other readable volumes"
        raise ValueError(
            f"{path}: the folder is {what}; give a NIfTI file, a DICOM folder, or a folder of these"
        )
    return volumes


class LoadVolume(Transform):
    """Path → volume (1, X, Y, Z) with affine, checked; see :func:`load_volume` for formats and errors.

    Args:
        plane: "coronal", "axial" or "sagittal": the slices that will be used; ``None`` checks no particular
            plane.
        min_size: least height and width of a slice in pixels.
    """

    def __init__(self, plane: str | None = None, min_size: int = MIN_SLICE_SIZE) -> None:
        self.plane = plane
        self.min_size = min_size

    def __call__(self, data: str | os.PathLike[str]) -> MetaTensor:
        """Read the volume at this path."""
        return load_volume(data, self.plane, self.min_size)


class LoadVolumed(MapTransform):
    """Dictionary version of :class:`LoadVolume`: each key's path becomes its volume.

    Args:
        keys: keys that hold paths.
        plane: see :class:`LoadVolume`.
        min_size: see :class:`LoadVolume`.
        allow_missing_keys: skip keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection,
        plane: str | None = None,
        min_size: int = MIN_SLICE_SIZE,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.loader = LoadVolume(plane, min_size)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace paths by volumes."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.loader(result[key])
        return result
