"""fastMRI's HDF5 files (Zbontar et al., arXiv:1811.08839), and others that hold an array "kspace"."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from .arrays import check_size, choose, complex_array, from_axes, is_array, is_complex
from .mrd import read_header
from .raw import RawScan

_MAPS = ("sensitivity_maps", "maps")


def read(path: Path, axes: str | None, key: str | None) -> RawScan:
    """Read (slices, coils, H, W) or, of one coil, (slices, H, W); see :func:`monai_gan_recon.io.read_raw`.

    The header tells fields of view but no orientation: the affine takes slices for axial, rows going to posterior.
    """
    try:
        with h5py.File(path) as file:
            return _read(file, axes, key)
    except OSError as error:
        raise ValueError("is not a readable HDF5 file, or it is truncated; copy it again") from error


def _read(file: h5py.File, axes: str | None, key: str | None) -> RawScan:
    dataset = check_size(choose({name: item for name, item in file.items() if is_array(item)}, key))
    if axes:
        return from_axes(complex_array(dataset), axes, "HDF5")
    if not is_complex(dataset):
        raise ValueError(f"{dataset.name} holds real numbers ({dataset.dtype}); k-space is complex")
    if dataset.ndim not in (3, 4):
        raise ValueError(f"k-space has shape {dataset.shape}, not (slices, coils, H, W) or (slices, H, W)")
    slices, *coils, height, width = dataset.shape
    kspace = np.empty((slices, coils[0] if coils else 1, height, width), np.complex64)
    for index in range(slices):  # slice by slice: a large file is in memory once
        kspace[index] = complex_array(dataset[index]) if dataset.dtype.names else dataset[index]
    maps = [complex_array(check_size(file[name])).reshape(kspace.shape) for name in _MAPS if name in file]
    oversampling, matrix, affine = _geometry(file, kspace.shape)
    return RawScan(
        kspace,
        mask=_mask(file, kspace),
        maps=maps[0].astype(np.complex64) if maps else None,
        affine=affine,
        readout_oversampling=oversampling,
        matrix=matrix,
        source="fastMRI HDF5",
    )


def _mask(file: h5py.File, kspace: np.ndarray) -> np.ndarray | None:
    if "mask" not in file:
        return None
    mask, (slices, _, height, width) = np.squeeze(check_size(file["mask"])[()]) != 0, kspace.shape
    if mask.shape not in ((width,), (height, width), (slices, height, width)):
        raise ValueError(f"the mask {mask.shape} does not fit k-space of {height} x {width} samples a slice")
    # samples that only pad the encoded matrix are zero in all slices and coils: nobody measured them
    measured = np.any([(one != 0).any(axis=0) for one in kspace], axis=0)
    return np.asarray(mask & measured)


def _geometry(
    file: h5py.File, shape: tuple[int, ...]
) -> tuple[float, tuple[int, int] | None, np.ndarray | None]:
    """Readout oversampling, matrix and affine of the header."""
    if "ismrmrd_header" not in file:
        return 1.0, None, None
    header = read_header(file["ismrmrd_header"][()])
    if not header.encoding:
        raise ValueError("its ismrmrd_header tells no encoding; it is damaged")
    encoded, recon = header.encoding[0].encodedSpace, header.encoding[0].reconSpace
    size = (encoded.matrixSize.x, encoded.matrixSize.y)
    if size != shape[2:]:
        raise ValueError(
            f"its header announces {size[0]} x {size[1]} samples a slice, and the data have "
            f"{shape[2]} x {shape[3]}; they are not of the same scan"
        )
    fov = encoded.fieldOfView_mm
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = fov.z, -fov.x / size[0], -fov.y / size[1], 1
    affine[:3, 3] = -affine[:3, :3] @ [shape[0] // 2, size[0] // 2, size[1] // 2]
    return fov.x / recon.fieldOfView_mm.x, (recon.matrixSize.x, recon.matrixSize.y), affine
