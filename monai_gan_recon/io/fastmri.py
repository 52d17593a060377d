"""fastMRI's HDF5 files (Zbontar et al., arXiv:1811.08839), and others that hold an array "kspace"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import refusing
from .arrays import DAMAGED, arrays_of, check_heaps, check_size, choose, complex_array, from_axes, is_complex, open_hdf5
from .masks import measured
from .mrd import read_header, spaces
from .raw import RawScan

_MAPS = ("sensitivity_maps", "maps")


def read(path: Path, axes: str | None, key: str | None) -> RawScan:
    """Read (slices, coils, H, W) or, of one coil, (slices, H, W); see :func:`monai_gan_recon.io.read_raw`.

    The header tells fields of view but no orientation: the affine takes slices for axial, rows going to posterior.
    """
    check_heaps(path)
    with open_hdf5(path) as file:
        return _read(file, axes, key)


def _read(file: h5py.File, axes: str | None, key: str | None) -> RawScan:
    dataset = check_size(choose(arrays_of(file), key))
    if axes:
        return from_axes(complex_array(dataset), axes, "HDF5")
    if not is_complex(dataset):
        raise ValueError(f"{dataset.name} holds real numbers ({dataset.dtype}); k-space is complex")
    if dataset.ndim not in (3, 4):
        raise ValueError(f"k-space has shape {dataset.shape}, not (slices, coils, H, W) or (slices, H, W)")
    slices, *coils, height, width = dataset.shape
    kspace = np.empty((slices, coils[0] if coils else 1, height, width), np.complex64)
    for index in range(slices):  # slice by slice: a large file is in memory once
        kspace[index] = complex_array(dataset, index)
    maps = [complex_array(item) for name, item in arrays_of(file).items() if name in _MAPS]
    oversampling, matrix, affine = _geometry(file, kspace.shape)
    return RawScan(
        kspace,
        mask=_mask(file, kspace),
        maps=_like(maps[0], kspace) if maps else None,
        affine=affine,
        readout_oversampling=oversampling,
        matrix=matrix,
        source="fastMRI HDF5",
    )


def _item(file: h5py.File, name: str) -> Any:
    with refusing(ValueError(DAMAGED)):
        return check_size(file[name])[()]


def _like(maps: np.ndarray, kspace: np.ndarray) -> np.ndarray:
    """The maps with an axis for one coil, too; those that do not fit are told of by the scan."""
    return (maps.reshape(kspace.shape) if maps.size == kspace.size else maps).astype(np.complex64)


def _mask(file: h5py.File, kspace: np.ndarray) -> np.ndarray | None:
    if "mask" not in file:
        return None
    values, (slices, _, height, width) = np.squeeze(_item(file, "mask")), kspace.shape
    mask = measured(values)
    if mask.shape not in ((width,), (height, width), (slices, height, width)):
        raise ValueError(f"the mask {mask.shape} does not fit k-space of {height} x {width} samples a slice")
    # samples that only pad the encoded matrix are zero in all slices and coils: nobody measured them
    return np.asarray(mask & np.any([(one != 0).any(axis=0) for one in kspace], axis=0))


def _geometry(file: h5py.File, shape: tuple[int, ...]) -> tuple[float, tuple[int, int] | None, np.ndarray | None]:
    """Readout oversampling, matrix and affine of the header."""
    if "ismrmrd_header" not in file:
        return 1.0, None, None
    size, fov, matrix, oversampling = spaces(read_header(_item(file, "ismrmrd_header")))
    if size[:2] != shape[2:]:
        raise ValueError(
            f"its header announces {size[0]} x {size[1]} samples a slice, and the data have "
            f"{shape[2]} x {shape[3]}; they are not of the same scan"
        )
    affine = np.diag([0.0, 0, 0, 1])
    affine[2, 0], affine[1, 1], affine[0, 2] = fov[2], -fov[0] / size[0], -fov[1] / size[1]
    affine[:3, 3] = -affine[:3, :3] @ [shape[0] // 2, size[0] // 2, size[1] // 2]
    return oversampling, matrix[:2], affine
