"""Training slices of many volumes, read one by one from disk, the same whatever the number of workers."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Randomizable
from torch.utils.data import Dataset
from tqdm import tqdm

from ..transforms.geometry import plane_axcodes
from .cases import with_cases
from .epoch_sampler import EpochSampler
from .slice_cache import CachedSlices, cached_slices


class VolumeSliceDataset(Dataset):
    """2-D slices of volumes: each volume is preprocessed once onto disk, then single slices are read.

    Item ``i`` of epoch ``e`` is ``dataset[e * len(dataset) + i]`` (:class:`EpochSampler` yields such
    indices); the random transforms are seeded from (seed, epoch, index) alone. An item is a dictionary with
    ``image`` (1, H, W) float32 (what ``slice_transform`` makes of it; plain tensors, no MetaTensor),
    ``person``, ``case``, ``plane``, ``slice``, and a ``seed`` for what is drawn after it. Slices lie as displayed: H downwards, W to the right (see
    :func:`~monai_gan_recon.transforms.geometry.plane_axcodes`).

    Args:
        data: entries of a data manifest: dictionaries with ``image`` (path) and ``person``; ``repeat``, if given, is how
            often each slice of the volume counts.
        volume_transform: run once a volume, from an entry to ``image`` (1, X, Y, Z) in [0, 1] with affine,
            for example ``Compose([LoadVolumed("image"), ScaleMinMaxd("image")])``.
        slice_transform: run on every item, random or not; a ``Compose`` is seeded for each item.
        planes: planes to take slices from: "coronal", "axial", "sagittal".
        cache_dir: folder of the preprocessed slices, reused by later runs; default: a temporary one, removed
            at exit.
        min_foreground: slices with a smaller fraction of foreground pixels are left out.
        min_pixels: planes whose slices have fewer pixels along a side are left out: thick slices are taken as they are.
        foreground_threshold: pixels above this value are foreground.
        seed: seed of the order and of the random transforms.
        slices_per_epoch: slices an epoch for :meth:`sampler`; ``None``: all.
        progress: show a progress bar while volumes are preprocessed.

    Raises:
        ValueError: if there are no entries, a plane is unknown, or no slice has enough foreground.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        volume_transform: Callable[[dict[str, Any]], Mapping[str, Any]],
        slice_transform: Callable[[dict[str, Any]], Mapping[str, Any]] | None = None,
        planes: Sequence[str] = ("coronal",),
        cache_dir: str | os.PathLike[str] | None = None,
        min_foreground: float = 0.1,
        min_pixels: int = 16,
        foreground_threshold: float = 0.02,
        seed: int = 0,
        slices_per_epoch: int | None = None,
        progress: bool = True,
    ) -> None:
        if not data:
            raise ValueError("the data list of the training slices is empty; give at least one volume")
        names = (planes,) if isinstance(planes, str) else tuple(planes)
        for plane in names:
            plane_axcodes(plane)
        self.slice_transform = slice_transform
        self.seed = int(seed)
        self.slices_per_epoch = slices_per_epoch
        folder = self._cache_folder(cache_dir)
        self._items: list[tuple[CachedSlices, str, str, str, int]] = []
        for entry in tqdm(
            with_cases(data), desc="preparing volumes", unit="volume", disable=None if progress else True
        ):
            case = entry["case"]
            person = str(entry.get("person", case))
            planes_of = cached_slices(entry, volume_transform, names, folder, foreground_threshold)
            for plane, slices in planes_of.items():
                if min(np.load(slices.file, mmap_mode="r").shape[1:]) < min_pixels:
                    continue
                self._items += int(entry.get("repeat", 1)) * [
                    (slices, person, case, plane, number)
                    for number, fraction in enumerate(slices.foreground)
                    if fraction >= min_foreground
                ]
        if not self._items:
            raise ValueError(
                f"no slice of {len(data)} volumes has {min_foreground:.0%} of its pixels above "
                f"{foreground_threshold:g}; lower min_foreground"
            )

    def _cache_folder(self, cache_dir: str | os.PathLike[str] | None) -> Path:
        if cache_dir is not None:
            return Path(cache_dir).expanduser()
        folder = tempfile.mkdtemp(prefix="monai_gan_recon_slices_")
        weakref.finalize(self, _remove_folder, folder, os.getpid())
        return Path(folder)

    def sampler(self, rank: int = 0, world_size: int = 1) -> EpochSampler:
        """Sampler of ``slices_per_epoch`` random slices an epoch; call ``set_epoch`` at the start of each."""
        return EpochSampler(len(self), self.slices_per_epoch, self.seed, rank, world_size)

    def __len__(self) -> int:
        """Number of slices."""
        return len(self._items)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All slices in order, as in epoch 0."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Slice ``index % len`` as it is in epoch ``index // len``."""
        if index < 0:
            raise IndexError(f"slice index must not be negative, it is {index}")
        epoch, number = divmod(int(index), len(self))
        slices, person, case, plane, position = self._items[number]
        array = np.array(np.load(slices.file, mmap_mode="r")[position])[None]
        item: Mapping[str, Any] = {
            "image": torch.from_numpy(array),
            "person": person,
            "case": case,
            "plane": plane,
            "slice": position,
            "seed": int(np.random.SeedSequence([self.seed, epoch, number]).generate_state(1)[0]),
        }
        if self.slice_transform is not None:
            if isinstance(self.slice_transform, Randomizable):
                self.slice_transform.set_random_state(seed=item["seed"])
            item = self.slice_transform(dict(item))
        return {key: v.as_tensor() if isinstance(v, MetaTensor) else v for key, v in item.items()}


def _remove_folder(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # not when a forked loader worker ends
        shutil.rmtree(folder, ignore_errors=True)
