"""Images in files and folders: found, told apart by what they hold, and read, with clear errors."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..checks import home_expanded
from ..vocabulary import PLANES
from .dicom import Series, is_dicom, read_dicom
from .dicom.files import check_readable, visible_files
from .formats import kind_by_name, kind_of, visible
from .geometry import is_valid, plane_of_scan, slice_axis
from .nifti import Transforms, read_header, read_middle_slice, read_nifti
from .raw import looks_like_kspace
from .volumes import read_itk, read_itk_header, read_numpy

_VOLUMES = ("nifti", "npy", "itk")
_RAW = ("ismrmrd", "hdf5", "bart", "twix", "mat")
logger = logging.getLogger(__name__)


class Image(NamedTuple):
    """What a file holds: array (X, Y, Z) of any type of numbers, affine to RAS in mm, and NIfTI's own transforms."""

    array: np.ndarray
    affine: np.ndarray
    transforms: Transforms | None = None


def read_image(
    path: Path,
    plane: str | None = None,
    exact: bool = False,
    series: Series | str | int | None = None,
) -> Image:
    """Read an image of any format and check what holds for images, phases and labels.

    Arguments are those of :func:`load_volume`; ``exact`` keeps whole numbers (labels) whole.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        ValueError: in one line, if it cannot be read, is k-space, or its affine is not valid.
    """
    image = _read(path, plane, exact, series)
    if looks_like_kspace(image.array):
        raise ValueError(
            f"{path}: is k-space of shape {image.array.shape}, and an image is meant; give it as raw k-space with "
            "the order of its axes (such as --axes coils,h,w), or give its inverse Fourier transform"
        )
    if not is_valid(image.affine):
        raise ValueError(f"{path}: its affine (orientation and spacing) is not valid; repair the header first")
    return image


def _read(path: Path, plane: str | None, exact: bool, series: Series | str | int | None) -> Image:
    kind = kind_of(path)
    if path.is_dir() or kind == "dicom":
        return Image(*read_dicom(path, series)[:2])
    if kind == "nifti":
        array, header = read_nifti(path, exact)
        shape, affine = header.volume()
        return Image(array.reshape(shape), affine, header.transforms)
    if kind == "npy":
        array, affine = read_numpy(path, plane)
        return Image(np.array(array, order="C"), affine)
    if kind == "itk":
        return Image(*read_itk(path))
    if kind in _RAW:
        raise ValueError(f"{path}: is raw k-space ({kind}), and an image is meant; give it as raw k-space")
    raise ValueError(f"{path}: unknown kind of file; give NIfTI (.nii, .nii.gz), a DICOM folder, .npy or .nrrd")


def read_geometry(path: Path) -> tuple[tuple[int, ...], np.ndarray, int | None]:
    """What the header of a single image (NIfTI, NRRD, MetaImage, NumPy) tells of its place, as its reader has it.

    Returns:
        all lengths of the array, the (4, 4) affine to RAS in mm, and the axis of the readout, if it is said; slices of
        NumPy are taken for coronal.

    Raises:
        ValueError: if it is none of these, or its header is damaged.
    """
    kind = kind_of(path)
    if kind == "nifti":
        header = read_header(path)
        return header.shape, header.volume()[1], header.readout
    if kind == "itk":
        return (*read_itk_header(path), None)
    if kind == "npy":
        array, affine = read_numpy(path, None)
        return array.shape, affine, None
    raise ValueError(f"{path}: is no image in one file")


def looks_like_labels(path: Path) -> bool:
    """Whether a NIfTI, NRRD or MetaImage file is a label map, by its middle slice, see :func:`are_labels`."""
    if kind_of(path) == "nifti":
        return are_labels(read_middle_slice(path))
    volume = read_image(path).array
    return are_labels(volume[..., volume.shape[-1] // 2])


def are_labels(values: np.ndarray) -> bool:
    """Whether the values of a slice (X, Y) are whole numbers that most neighbours share, but for the background."""
    if values.dtype.kind not in "biuf" or not (values == np.round(values)).all():
        return False
    found, counts = np.unique(values, return_counts=True)
    background = found[counts.argmax()]
    pairs = ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1]))
    same = [(a == b)[(a != background) | (b != background)] for a, b in pairs]
    return bool(same[0].size and np.concatenate(same).mean() > 0.5)


def own_plane(path: str | os.PathLike[str]) -> str:
    """Plane of the acquisition of an image, see :func:`.geometry.plane_of_scan`.

    NIfTI, NRRD and MetaImage tell by thick slices, NIfTI also by the readout in ``dim_info``, as dcm2niix writes it.
    """
    try:
        shape, affine, readout = read_geometry(home_expanded(path))
    except (ValueError, OSError):  # damaged, or of another kind: what reads it says so
        return PLANES[0]
    return plane_of_scan((*shape, 1)[:3], affine, readout)


def is_3d_scan(path: str | os.PathLike[str]) -> bool:
    """Whether an image is of a 3-D acquisition as far as its voxels tell; see :func:`.geometry.slice_axis`."""
    try:
        shape, affine, _ = read_geometry(home_expanded(path))
    except (ValueError, OSError):  # damaged, or of another kind: what reads it says so
        return False
    return is_valid(affine) and slice_axis((*shape, 1)[:3], affine) is None


def find_volumes(path: str | os.PathLike[str]) -> list[Path]:
    """Volumes that an input path stands for, as paths for :func:`load_volume`, sorted by name, never none.

    Of a folder, each image file and each subfolder with DICOM in it is a volume; DICOM files of its own, or a DICOMDIR,
    are one together with the subfolders, see :func:`monai_gan_recon.io.dicom.choose_series`. Hidden files are left out.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if the folder holds nothing that can be read.
    """
    path = home_expanded(path)
    if not path.is_dir():
        kind_of(path)  # whether it is there
        return [path]
    volumes = volumes_in(path)
    if not volumes:
        what = "empty" if not visible(path) else "without NIfTI files, DICOM series or other readable volumes"
        raise ValueError(f"{path}: the folder is {what}; give a NIfTI file, a DICOM folder, or a folder of these")
    return volumes


def volumes_in(folder: Path) -> list[Path]:
    """What :func:`find_volumes` finds in a folder, which may be nothing."""
    entries = visible(folder)
    volumes = [entry for entry in entries if _is_volume(entry)]
    if any(is_dicom(entry) or _is_dicomdir(entry) for entry in entries):
        return [folder, *(entry for entry in volumes if not entry.is_dir())]
    return volumes


def _is_dicomdir(entry: Path) -> bool:
    return entry.name.upper() == "DICOMDIR" and entry.is_file()


def _is_volume(entry: Path) -> bool:
    """Whether an entry of a folder is a volume, or says so by its name and is damaged: whoever reads it says why."""
    if entry.is_dir():
        try:
            files = visible_files(entry)
            if any(map(is_dicom, files)):
                return True
            check_readable(files)
        except PermissionError as error:
            logger.warning("%s: may not be read, and is left out", error.filename)
        return False
    try:
        return kind_of(entry) in _VOLUMES
    except (OSError, ValueError):
        return kind_by_name(entry) in (*_VOLUMES, *_RAW)
