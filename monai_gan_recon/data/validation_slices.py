"""Validation slices: a few of every volume, undersampled the same way in every epoch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from monai.transforms import Compose, EnsureTyped, SelectItemsd
from torch.utils.data import ConcatDataset, Subset

from monai_gan_recon.checks import check_arguments, check_counts
from monai_gan_recon.data.slice_dataset import VolumeSliceDataset, check_planes
from monai_gan_recon.simulation import Undersample, Undersampled
from monai_gan_recon.transforms import CropPadSlicesd


class ValidationSlices(ConcatDataset[dict[str, Any]]):
    """Evenly spaced slices of the validation volumes scanned in each of some ways, the same every time.

    Items have ``input``, ``target``, ``zero_filled`` and ``mask``.

    Args:
        data: entries of a data manifest.
        volume_transform: see :class:`VolumeSliceDataset`.
        planes: planes to take slices from: "coronal", "axial", "sagittal".
        size: in-plane size (H, W), or None for whole slices.
        scans: one dictionary of :class:`~monai_gan_recon.simulation.Undersample`'s arguments for each way to scan.
        slices: number of slices of each scan; fewer if there are fewer.
        min_pixels: see :class:`VolumeSliceDataset`.
        cache_dir: folder of the preprocessed slices.

    Raises:
        ValueError: as :func:`check_validation` and :class:`VolumeSliceDataset` do.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        volume_transform: Callable[[dict[str, Any]], Mapping[str, Any]],
        planes: Sequence[str] = ("coronal",),
        size: Sequence[int] | None = (256, 256),
        scans: Sequence[Mapping[str, Any]] = ({"rate": 0.1}, {"rate": 0.5}),
        slices: int = 24,
        min_pixels: int = 16,
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        check_validation(planes, scans, slices)
        keys = ["input", "target", "zero_filled", "mask"]
        transforms = [
            Compose(
                [
                    CropPadSlicesd("image", size=size),
                    Undersampled("image", **scan),
                    SelectItemsd(keys),
                    EnsureTyped(keys, track_meta=False),
                ]
            )
            for scan in scans
        ]
        parts = []
        for transform in transforms:
            every = VolumeSliceDataset(
                data, volume_transform, transform, planes, cache_dir, min_pixels=min_pixels, progress=False
            )
            chosen = np.unique(np.linspace(0, len(every) - 1, min(slices, len(every))).round().astype(int))
            parts.append(Subset(every, chosen.tolist()))
        super().__init__(parts)

    def batches(self, batch_size: int) -> list[list[int]]:
        """Indices of batches, each of slices that were scanned in one way and so have one number of channels."""
        ends = [0, *self.cumulative_sizes]
        return [
            list(range(start, min(start + batch_size, end)))
            for first, end in pairwise(ends)
            for start in range(first, end, batch_size)
        ]


def check_validation(planes: Any, scans: Any, slices: Any) -> None:
    """Raise a ValueError if these are no arguments of :class:`ValidationSlices`; no data are needed for that."""
    try:
        check_counts(slices=slices)
        check_planes(planes)
        if not scans:
            raise ValueError("scans: give at least one way to scan, such as {rate: 0.1}")
        for scan in scans:
            check_arguments("each of scans", scan, Undersample)
            Undersample(**scan)
    except ValueError as error:
        raise ValueError(f"validation (val_planes, val_scans, val_slices): {error}") from error
