"""Training patches of labelled volumes, read from disk one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Randomizable
from torch.utils.data import Dataset
from tqdm import tqdm

from monai_gan_recon.data.cases import with_cases
from monai_gan_recon.data.epoch_sampler import EpochSampler
from monai_gan_recon.segmentation.volume_cache import CachedVolume, DictTransform, cached_volume

_TRIES = 50
"""Draws of a patch's centre until one lies in tissue."""


class TissuePatchDataset(Dataset):
    """3-D patches around random tissue voxels of labelled volumes, some of them degraded.

    Each volume is prepared once and kept on disk (32 MB an image and 4 MB of labels for a brain of 1 mm), with
    ``copies`` randomly degraded copies of it; memory holds single patches only, whatever the number of volumes.
    Patch ``i`` of epoch ``e`` is ``dataset[e * len(dataset) + i]`` and depends on (seed, e, i) alone
    (:class:`~monai_gan_recon.data.EpochSampler` yields such indices), so that a resumed training repeats itself
    exactly. An item is a dictionary with ``image`` (C, X, Y, Z) float32, ``label`` (1, X, Y, Z) uint8 (what
    ``patch_transform`` makes of them), ``person`` and ``case``.

    Args:
        data: entries of a data manifest with ``image``, ``person`` and labels.
        volume_transform: run once a volume: from an entry to ``image``, magnitudes (1, X, Y, Z), and ``label``.
        features: run once on each image, as it is or degraded; makes the network's input (C, X, Y, Z) of it.
        degradation: random transform of ``image`` that makes a degraded copy; its randomness is seeded.
        copies: number of degraded copies of each volume.
        degraded_fraction: fraction of the patches that come from a degraded copy, in [0, 1].
        patch_size: size of a patch in voxels; volumes that are smaller are padded with 0.
        patch_transform: run on each patch, random or not; a ``Compose`` is seeded for each item.
        patches_per_epoch: number of patches of an epoch; the volumes take turns.
        cache_dir: folder of the prepared volumes, reused by later runs.
        seed: seed of everything random here.
        progress: show a progress bar while volumes are prepared.

    Raises:
        ValueError: if there are no entries, numbers do not fit, or a volume cannot be used.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        volume_transform: DictTransform,
        features: DictTransform,
        cache_dir: str | os.PathLike[str],
        patch_size: Sequence[int],
        degradation: DictTransform | None = None,
        copies: int = 0,
        degraded_fraction: float = 0.0,
        patch_transform: DictTransform | None = None,
        patches_per_epoch: int = 64,
        seed: int = 0,
        progress: bool = True,
    ) -> None:
        if not data:
            raise ValueError("the data list of the training patches is empty; give at least one volume")
        if copies > 0 and degradation is None:
            raise ValueError("degraded copies need a degradation; set copies to 0 to do without")
        self.patch_size, self.patch_transform = tuple(int(n) for n in patch_size), patch_transform
        self.degraded_fraction = degraded_fraction if copies > 0 else 0.0
        self.patches_per_epoch, self.seed = int(patches_per_epoch), int(seed)
        folder = Path(cache_dir).expanduser()
        self._volumes: list[tuple[CachedVolume, str, str]] = []
        total = len(data) * (copies + 1)
        with tqdm(
            total=total, desc="preparing volumes", unit="image", disable=None if progress else True
        ) as bar:
            for entry in with_cases(data):
                case = entry["case"]
                bar.set_postfix_str(case)
                volume = cached_volume(
                    entry, volume_transform, degradation, features, copies, folder, self.seed, bar.update
                )
                self._volumes.append((volume, str(entry.get("person", case)), case))

    def sampler(self, rank: int = 0, world_size: int = 1) -> EpochSampler:
        """Sampler of all patches of an epoch in random order; call ``set_epoch`` at the start of each."""
        return EpochSampler(len(self), None, self.seed, rank, world_size)

    def __len__(self) -> int:
        """Number of patches of an epoch."""
        return self.patches_per_epoch

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The patches of epoch 0, in order."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Patch ``index % len`` of epoch ``index // len``."""
        if index < 0:
            raise IndexError(f"patch index must not be negative, it is {index}")
        epoch, number = divmod(int(index), len(self))
        rng = np.random.default_rng([self.seed, epoch, number])
        volume, person, case = self._volumes[int(index) % len(self._volumes)]
        copy = 1 + rng.integers(len(volume.images) - 1) if rng.random() < self.degraded_fraction else 0
        labels = np.load(volume.labels, mmap_mode="r")
        image = np.load(volume.images[copy], mmap_mode="r")
        centre = _tissue_voxel(labels, rng)
        item: Mapping[str, Any] = {
            "image": torch.from_numpy(patch(image, centre, self.patch_size).astype(np.float32)),
            "label": torch.from_numpy(patch(labels, centre, self.patch_size))[None],
            "person": person,
            "case": case,
        }
        if self.patch_transform is not None:
            if isinstance(self.patch_transform, Randomizable):
                self.patch_transform.set_random_state(seed=int(rng.integers(2**31)))
            item = self.patch_transform(dict(item))
        return {key: v.as_tensor() if isinstance(v, MetaTensor) else v for key, v in item.items()}


def patch(array: np.ndarray, centre: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """Patch of a volume (..., X, Y, Z) about a centre, moved inside the volume, padded with 0 where that is smaller.

    Returns:
        a copy, of shape (..., *size).
    """
    slices: list[Any] = [...]
    widths = [(0, 0)] * (array.ndim - len(size))
    for n, c, length in zip(array.shape[-len(size) :], centre, size, strict=True):
        start = min(max(c - length // 2, 0), max(n - length, 0))
        slices.append(slice(start, start + length))
        missing = max(length - n, 0)
        widths.append((missing // 2, missing - missing // 2))
    return np.pad(np.asarray(array[tuple(slices)]), widths)


def _tissue_voxel(labels: np.ndarray, rng: np.random.Generator) -> tuple[int, ...]:
    voxel = tuple(n // 2 for n in labels.shape)
    for _ in range(_TRIES):
        drawn = tuple(int(rng.integers(n)) for n in labels.shape)
        if labels[drawn] > 0:
            return drawn
    return voxel
