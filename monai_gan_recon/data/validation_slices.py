"""Validation slices: a few of every volume, undersampled the same way in every epoch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.transforms import Compose, EnsureTyped, SelectItemsd
from torch.utils.data import ConcatDataset, Subset

from monai_gan_recon.data.slice_dataset import VolumeSliceDataset
from monai_gan_recon.transforms import CropPadSlicesd, Undersampled


class ValidationSlices(ConcatDataset[dict[str, Any]]):
    """Evenly spaced slices of the validation volumes at each of some rates, with fixed masks.

    Items have ``input``, ``target``, ``zero_filled`` and ``mask``.

    Args:
        data: entries of a data manifest.
        volume_transform: see :class:`VolumeSliceDataset`.
        plane: "coronal", "axial" or "sagittal".
        size: in-plane size (H, W), or None for whole slices.
        rates: sampling rates.
        slices: number of slices at each rate; fewer if there are fewer.
        pattern: sampling pattern.
        channels: 3 or 1 channels of network input.
        hermitian: on the replica track, complete the network's input by Hermitian symmetry.
        cache_dir: folder of the preprocessed slices.
        seed: seed of the masks, and of phase and noise.
        track: "replica", or "simulated": with phase and noise.
        snr: of the simulated track.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        volume_transform: Callable[[dict[str, Any]], Mapping[str, Any]],
        plane: str = "coronal",
        size: Sequence[int] | None = (256, 256),
        rates: Sequence[float] = (0.1, 0.5),
        slices: int = 24,
        pattern: str = "gaussian1d",
        channels: int = 3,
        hermitian: bool = True,
        cache_dir: str | os.PathLike[str] | None = None,
        seed: int = 0,
        track: str = "replica",
        snr: float = 20.0,
    ) -> None:
        parts = []
        for rate in rates:
            keys = ["input", "target", "zero_filled", "mask"]
            transform = Compose(
                [
                    CropPadSlicesd("image", size=size),
                    Undersampled(
                        "image",
                        pattern=pattern,
                        rate=rate,
                        track=track,
                        snr=snr,
                        channels=channels,
                        hermitian=hermitian,
                        seed=seed,
                    ),
                    SelectItemsd(keys),
                    EnsureTyped(keys, track_meta=False),
                ]
            )
            every = VolumeSliceDataset(data, volume_transform, transform, (plane,), cache_dir, progress=False)
            chosen = np.unique(np.linspace(0, len(every) - 1, min(slices, len(every))).round().astype(int))
            parts.append(Subset(every, chosen.tolist()))
        super().__init__(parts)
