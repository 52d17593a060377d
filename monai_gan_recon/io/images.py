"""Images in: NIfTI, DICOM series, NumPy slices, NRRD as one kind of volume, with clear errors."""

from __future__ import annotations

import math
import os
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import MetaKeys, SpaceKeys

from ..vocabulary import MIN_SLICE_SIZE, PLANE_AXCODES
from .dicom import Series, is_dicom, read_dicom
from .formats import kind_of
from .volumes import read_itk, read_nifti, read_numpy

_RAW = ("ismrmrd", "hdf5", "bart", "twix", "mat")
_IN_PLANE = {  # anatomical axes of a plane's slices: 0 left-right, 1 AP, 2 SI
    plane: sorted("RAS".index(letter) if letter in "RAS" else "LPI".index(letter) for letter in codes[1:])
    for plane, codes in PLANE_AXCODES.items()
}


def load_volume(
    path: str | os.PathLike[str],
    plane: str | None = None,
    min_size: int = MIN_SLICE_SIZE,
    series: Series | str | int | None = None,
) -> MetaTensor:
    """Read one volume and check that it can be reconstructed.

    Args:
        path: NIfTI file, folder of one DICOM series (or one DICOM file), ".npy" slices (H, W) or (N, H, W) as
            displayed, NRRD or MetaImage file. A single slice is a volume of one slice.
        plane: plane whose slices will be used ("coronal", "axial", "sagittal"), for the check of their size
            and for ".npy" files, which do not say (default coronal).
        min_size: least height and width of a slice in pixels.
        series: which volume of a DICOM folder, see :func:`monai_gan_recon.io.dicom.choose_series`.

    Returns:
        (1, X, Y, Z), float32 (complex64 for complex NIfTI), with the affine (voxel to RAS, mm) and the file's
        name in ``meta``; nothing else of the header is kept, so nothing about the patient.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        ValueError: in one line, if it cannot be read (truncated, not a NIfTI, empty folder, several or
            incomplete DICOM series), is k-space, or is no image to work with (NaN or infinite values, constant,
            4-D, slices too small).
    """
    path = Path(path).expanduser()
    try:
        array, affine = _read(path, plane, series)
    except PermissionError as error:
        raise ValueError(f"{path}: may not be read; check its permissions") from error
    _check_affine(path, affine)
    _check_slice_size(path, array.shape, affine, plane, min_size)
    image = torch.from_numpy(array if min(array.strides) >= 0 else array.copy())[None]
    if not image.is_complex():
        image = image.float()
    _check_values(path, image)
    matrix = torch.as_tensor(affine, dtype=torch.float64)
    meta = {
        MetaKeys.ORIGINAL_AFFINE: matrix.clone(),
        MetaKeys.SPATIAL_SHAPE: np.array(array.shape),
        MetaKeys.SPACE: SpaceKeys.RAS,
        MetaKeys.ORIGINAL_CHANNEL_DIM: float("nan"),
        "filename_or_obj": str(path),
    }
    return MetaTensor(image, affine=matrix, meta={str(key): value for key, value in meta.items()})


def _read(
    path: Path, plane: str | None, series: Series | str | int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    kind = kind_of(path)
    if path.is_dir() or kind == "dicom" or path.name.upper() == "DICOMDIR":
        return read_dicom(path, series)[:2]
    if kind == "nifti":
        return read_nifti(path)
    if kind == "npy":
        return read_numpy(path, plane)
    if kind == "itk":
        return read_itk(path)
    if kind in _RAW:
        raise ValueError(f"{path}: is raw k-space ({kind}), and an image is meant; give it as raw k-space")
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
    if any(is_dicom(entry) or entry.name.upper() == "DICOMDIR" for entry in entries):
        return [path]
    volumes = [
        entry
        for entry in entries
        if (entry.is_file() and kind_of(entry) in ("nifti", "npy", "itk"))
        or (entry.is_dir() and any(is_dicom(file) for file in entry.rglob("*")))
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

    def __call__(self, data: str | os.PathLike[str], series: Series | str | int | None = None) -> MetaTensor:
        """Read the volume at this path."""
        return load_volume(data, self.plane, self.min_size, series)


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
        """Replace paths by volumes; ``series`` of the entry says which one of a DICOM folder."""
        return dict(data) | {
            key: self.loader(data[key], data.get("series")) for key in self.key_iterator(dict(data))
        }


def load_label_volume(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (X, Y, Z) and affine of a file that holds labels: any values, any size.

    Args:
        path: NIfTI, NRRD or MetaImage file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: in one line, if it cannot be read or its affine is not valid.
    """
    path = Path(path).expanduser()
    array, affine = _read(path, None)
    _check_affine(path, affine)
    return array, affine


def _check_values(path: Path, image: torch.Tensor) -> None:
    """Refuse images with NaN or infinite values, or without information."""
    real = torch.view_as_real(image) if image.is_complex() else image
    low, high = (float(value) for value in torch.aminmax(real))  # without copies of a large volume
    if not math.isfinite(low) or not math.isfinite(high):
        bad = int((~torch.isfinite(image)).sum())
        raise ValueError(
            f"{path}: {bad} of {image.numel()} values are NaN or infinite; repair the image first"
        )
    first = image[(0,) * image.ndim]
    if (low == high) if not image.is_complex() else bool((image == first).all()):
        raise ValueError(f"{path}: is constant (every value is {first.item():g}); there is no image in it")


def _check_affine(path: Path, affine: np.ndarray) -> None:
    """Refuse a voxel-to-world matrix that gives no orientation."""
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise ValueError(
            f"{path}: its affine (orientation and spacing) is not valid; repair the header first"
        )


def _check_slice_size(
    path: Path, shape: tuple[int, ...], affine: np.ndarray, plane: str | None, min_size: int
) -> None:
    """Refuse slices under ``min_size`` pixels high or wide; without a plane it is enough that one plane fits."""
    if plane is not None and plane not in _IN_PLANE:
        raise ValueError(f"unknown plane {plane!r}; choose one of {', '.join(_IN_PLANE)}")
    nearest = nib.io_orientation(affine)[:, 0].astype(int)
    length = {anatomical: shape[axis] for axis, anatomical in enumerate(nearest)}
    sizes = {name: (length[a], length[b]) for name, (a, b) in _IN_PLANE.items()}
    fitting = [name for name, size in sizes.items() if min(size) >= min_size]
    if not fitting:
        text = " x ".join(map(str, shape))
        raise ValueError(
            f"{path}: {text} voxels are too few; slices need at least {min_size} x {min_size} pixels"
        )
    if plane is not None and plane not in fitting:
        a, b = sizes[plane]
        raise ValueError(
            f"{path}: {plane} slices have {a} x {b} pixels, at least {min_size} x {min_size} are needed; "
            f"this image can be read in plane {' or '.join(fitting)}"
        )
