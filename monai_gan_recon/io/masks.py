"""Sampling masks from files: lines, one mask for all slices, or one mask a slice."""

from __future__ import annotations

import os
from collections.abc import Iterator

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor
from monai.utils import MetaKeys

from ..checks import home_expanded
from .arrays import open_npy
from .nifti import read_nifti

_ROUNDED = 1e-3
_HOW = "give a mask as .npy or NIfTI with 0 = not measured"
_MOST_OUTSIDE = 0.002
"""Share of the energy outside the right mask, at most: 0.00002 stored with 8 bits, 0.002 shifted by half a pixel."""
_LEAST_OUTSIDE = 1e-4
"""Share from which a turned mask counts that leaves less than a tenth of it outside."""


def read_mask(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a sampling mask: ".npy" or NIfTI of numbers; other than 0 = measured, zero frequency at index ``n // 2``.

    Returns:
        Boolean array with one axis (lines), two (H, W) or three (the axes of a volume file).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: in one line, if it cannot be read, has more axes, or measures nothing.
    """
    path = home_expanded(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such sampling mask; check the path of --mask")
    if path.name.lower().endswith((".nii", ".nii.gz")):
        mask, _ = read_nifti(path)
    elif path.name.lower().endswith(".npy"):
        try:
            mask = np.array(open_npy(path))
        except ValueError as error:
            raise ValueError(f"{path}: {error}; {_HOW}") from error
    else:
        raise ValueError(f"{path}: unknown kind of sampling mask; {_HOW}")
    try:
        mask = measured(mask)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; {_HOW}") from error
    while mask.ndim > 3 and mask.shape[-1] == 1:
        mask = mask[..., 0]
    if mask.ndim == 2 and mask.shape[1] == 1:
        mask = mask[:, 0]
    if mask.ndim not in (1, 2, 3):
        raise ValueError(f"{path}: a sampling mask has one to three axes, not shape {mask.shape}; {_HOW}")
    if not mask.any():
        raise ValueError(f"{path}: the sampling mask is empty, no sample is measured; {_HOW}")
    return mask


def measured(values: np.ndarray) -> np.ndarray:
    """Which samples a mask of numbers measures: where it is not 0.

    Raises:
        ValueError: if they are no finite real numbers, or several that are no counts: a density, or a mask that was
            interpolated, measures everywhere.
    """
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise ValueError(f"a sampling mask holds finite real numbers, not {values.dtype} or NaN")
    used = values[values != 0].astype(float)
    if used.size and np.ptp(used) > _ROUNDED * used.max() and ((used < 0) | (used % 1 > 0)).any():
        raise ValueError(f"holds values from {used.min():g} to {used.max():g}, which is no sampling mask")
    return np.asarray(values != 0)


def fit_mask(mask: np.ndarray, slices: MetaTensor, axis: int = -1, name: str = "the sampling mask") -> torch.Tensor:
    """Bring a sampling mask to the slices of a volume.

    Args:
        mask: boolean; lines (n,), or (H, W) of the slices as they are shown, or one mask a slice with the axes
            of the volume's file (X, Y, Z). The zero frequency is at index ``n // 2`` of each k-space axis.
        slices: volume as slices (1, N, H, W) whose ``meta`` holds the file's affine and its own.
        axis: for lines, the axis along which the mask varies: -1 columns (length W), -2 rows (length H).
        name: of the mask, for the message.

    Returns:
        Boolean (H, W), or (N, H, W) if each slice has its own.

    Raises:
        ValueError: if the mask has another size, or a slice would have no sample at all.
    """
    size = (slices.shape[-2], slices.shape[-1])
    permutation = _file_to_slices(slices)
    volume = tuple(slices.shape[1 + int(permutation[i, 0])] for i in range(3))
    if mask.shape == volume or (mask.ndim == 2 and (*mask.shape, 1) == volume and mask.shape != size):
        return _volume_mask(mask.reshape(volume), permutation, name)
    if mask.ndim == 3 and 1 in mask.shape:
        mask = mask.squeeze()
    if mask.ndim == 2 and mask.shape == size:
        return torch.from_numpy(mask.copy())
    if mask.ndim == 1 and mask.size == size[axis]:
        lines = torch.from_numpy(mask.copy())
        return (lines[None, :] if axis == -1 else lines[:, None]).expand(size)
    shape = " x ".join(map(str, mask.shape)) if mask.ndim > 1 else f"{mask.size} lines"
    raise ValueError(
        f"{name} ({shape}) does not fit: the slices are {size[0]} x {size[1]} (height x width), so give one "
        f"of that size, {size[axis]} lines, or one of the volume's shape {' x '.join(map(str, volume))}"
    )


def mask_doubt(mask: torch.Tensor, energy: torch.Tensor, zero_filled: bool = True) -> str | None:
    """What speaks against a sampling mask (H, W), and which turned one fits; None: nothing does.

    Args:
        mask: bool (H, W).
        energy: of the samples of k-space (H, W).
        zero_filled: k-space is that of a zero-filled image, and has nothing outside the right mask; False: it has more,
            and all that can be wrong is where the mask has its zero frequency.
    """

    def outside(one: torch.Tensor) -> float:
        return float(energy[~one].sum() / energy.sum().clamp_min(1e-30))

    here, others = outside(mask), _turned(mask) if zero_filled else [_shifted(mask)]
    best, name = min((outside(one), name) for name, one in others)
    said = f"{100 * here:.2g} % of the energy of its k-space lies outside the sampling mask"
    if not zero_filled and best < here / 3:
        return f"{said}; of the mask {name}: {100 * best:.2g} %"
    if zero_filled and here > (_LEAST_OUTSIDE if best < here / 10 else _MOST_OUTSIDE):
        if best < min(_MOST_OUTSIDE, here / 3):
            return f"{said}; the mask {name} fits: {100 * best:.2g} %"
        return f"{said}; it may be of another scan, or the image was resampled after the scan"
    if not bool(mask[mask.shape[0] // 2, mask.shape[1] // 2]):
        return "the zero frequency, at n // 2, is not in the sampling mask"
    return None


def _shifted(mask: torch.Tensor) -> tuple[str, torch.Tensor]:
    return "after fftshift (its zero frequency is at index 0)", torch.fft.fftshift(mask)


def _turned(mask: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """What a mask may have been meant to be, and how to call it."""
    yield _shifted(mask)
    square = mask.shape[0] == mask.shape[1]
    for turn, one in (("", mask), ("turned (rows for columns)", mask.T))[: 1 + square]:
        if turn:
            yield turn, one
        for axes, where in (((0,), "rows (H)"), ((1,), "columns (W)"), ((0, 1), "rows and columns")):
            flipped = one.flip(axes)
            even = [1 - one.shape[axis] % 2 for axis in axes]
            yield f"{turn} flipped along the {where}".strip(), flipped
            yield f"{turn} flipped along the {where} about n // 2".strip(), flipped.roll(even, axes)


def _file_to_slices(slices: MetaTensor) -> np.ndarray:
    """For each axis of the file: the axis of (N, H, W) it became, and -1 if it was flipped."""
    before = np.asarray(slices.meta[MetaKeys.ORIGINAL_AFFINE], dtype=float)[:3, :3]
    after = np.asarray(slices.affine, dtype=float)[:3, :3]
    turned = np.linalg.solve(before, after)  # one entry of 1 or -1 a row, whatever the angle of the scan
    axis = np.abs(turned).argmax(axis=1)
    return np.stack([axis, np.sign(turned[np.arange(3), axis])], axis=1)


def _volume_mask(mask: np.ndarray, permutation: np.ndarray, name: str) -> torch.Tensor:
    result = nib.apply_orientation(mask, permutation)
    for slice_axis, flip in permutation.astype(int):
        # flipping an image mirrors its k-space through the zero frequency, which stays at n // 2
        if flip < 0 and slice_axis > 0 and result.shape[slice_axis] % 2 == 0:
            result = np.roll(result, 1, axis=slice_axis)
    empty = int((~result.any(axis=(1, 2))).sum())
    if empty:
        raise ValueError(f"{name} leaves {empty} of {len(result)} slices without a single measured sample")
    return torch.from_numpy(np.ascontiguousarray(result))
