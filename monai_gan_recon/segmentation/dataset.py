"""Training patches of labelled volumes, prepared once onto disk, as they are and as degraded copies."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.transforms import Randomizable
from tqdm import tqdm

from monai_gan_recon.checks import check_counts, check_fractions, check_output_dir
from monai_gan_recon.data.cache import cache_key, describe, store
from monai_gan_recon.data.cases import with_cases
from monai_gan_recon.data.epochs import DictTransform, EpochDataset
from monai_gan_recon.segmentation.networks import MOST_SIDE, check_patch_size

_TRIES = 50
"""Draws of a patch's centre until one lies in tissue."""

MOST_COPIES, MOST_PATCHES = 1000, 10**6
"""Most degraded copies of a volume, most patches of an epoch."""


class TissuePatchDataset(EpochDataset):
    """3-D patches around random tissue voxels of labelled volumes, some of them degraded.

    Each volume is prepared once and kept on disk (32 MB an image and 4 MB of labels for a brain of 1 mm), with
    ``copies`` randomly degraded copies of it; memory holds single patches only, whatever the number of volumes. An
    item is a dictionary with ``image`` (C, X, Y, Z) float32, ``label`` (1, X, Y, Z) uint8 (what ``patch_transform``
    makes of them), ``person`` and ``case``. :class:`~monai_gan_recon.data.EpochDataset` says how items are drawn.

    Args:
        data: entries of a data manifest with ``image``, ``person`` and labels.
        volume_transform: run once a volume: from an entry to ``image``, magnitudes (1, X, Y, Z), and ``label``.
        features: run once on each image, as it is or degraded; makes the network's input (C, X, Y, Z) of it.
        cache_dir: folder of the prepared volumes, reused by later runs.
        patch_size: size of a patch in voxels, multiples of 16; volumes that are smaller are padded with 0.
        margin: voxels beyond the patch, so that a rotation by ``patch_transform`` finds image there.
        degradation: random transform of ``image`` that makes a degraded copy; its randomness is seeded.
        copies: number of degraded copies of each volume.
        degraded_fraction: fraction of the patches that come from a degraded copy, in [0, 1].
        patch_transform: run on each patch, random or not; a ``Compose`` is seeded for each item.
        patches_per_epoch: number of patches of an epoch; the volumes take turns.
        seed: seed of everything random here.
        progress: show a progress bar while volumes are prepared.

    Raises:
        ValueError: if there are no entries, or numbers do not fit.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        volume_transform: DictTransform,
        features: DictTransform,
        cache_dir: str | os.PathLike[str],
        patch_size: Sequence[int],
        margin: int = 0,
        degradation: DictTransform | None = None,
        copies: int = 0,
        degraded_fraction: float = 0.0,
        patch_transform: DictTransform | None = None,
        patches_per_epoch: int = 64,
        seed: int = 0,
        progress: bool = True,
    ) -> None:
        super().__init__(patch_transform, seed)
        if not data:
            raise ValueError("the data list of the training patches is empty; give at least one volume")
        check_counts(0, MOST_COPIES, degraded_copies=copies)
        check_counts(0, MOST_SIDE, margin=margin)
        check_counts(patches_per_epoch=patches_per_epoch, most=MOST_PATCHES)
        if copies > 0 and degradation is None:
            raise ValueError("degraded copies need a degradation; set copies to 0 to do without")
        check_fractions(degraded_fraction=degraded_fraction)
        self.patch_size = tuple(n + margin for n in check_patch_size(patch_size))
        self.patches_per_epoch = patches_per_epoch
        self.degraded_fraction = degraded_fraction if copies > 0 else 0.0
        self._data, self._copies, self._folder = with_cases(data), copies, check_output_dir(cache_dir)
        self._transforms, self._progress = (volume_transform, degradation, features), progress
        self._volumes: list[tuple[list[Path], Path, str, str]] = []

    def prepare(self) -> None:
        """Prepare the volumes onto disk, which takes long; the first item does it if nobody did.

        Raises:
            ValueError: if a volume cannot be used.
            OSError: if the cache cannot be written.
        """
        if self._volumes:
            return
        total = len(self._data) * (self._copies + 1)
        with tqdm(total=total, desc="preparing volumes", unit="image", disable=None if self._progress else True) as bar:
            for entry in self._data:
                bar.set_postfix_str(entry["case"])
                images, labels = cached_volume(
                    entry, *self._transforms, self._copies, self._folder, self.seed, bar.update
                )
                self._volumes.append((images, labels, str(entry.get("person", entry["case"])), entry["case"]))

    def __len__(self) -> int:
        """Number of patches of an epoch."""
        return self.patches_per_epoch

    def item(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """One patch."""
        self.prepare()
        images, label_file, person, case = self._volumes[index % len(self._volumes)]
        copy = 1 + rng.integers(len(images) - 1) if rng.random() < self.degraded_fraction else 0
        labels, image = (np.load(file, mmap_mode="r") for file in (label_file, images[copy]))
        centre = _tissue_voxel(labels, rng)
        return {
            "image": torch.from_numpy(patch(image, centre, self.patch_size).astype(np.float32)),
            "label": torch.from_numpy(patch(labels, centre, self.patch_size))[None],
            "person": person,
            "case": case,
        }


def cached_volume(
    entry: Mapping[str, Any],
    volume_transform: DictTransform,
    degradation: DictTransform | None,
    features: DictTransform,
    copies: int,
    folder: Path,
    seed: int = 0,
    report: Callable[[], object] = lambda: None,
) -> tuple[list[Path], Path]:
    """Prepare one volume and its degraded copies, unless an earlier run left them in the cache ``folder``.

    Args are those of :class:`TissuePatchDataset`, for one entry; ``person`` and ``case`` of it choose what is drawn for
    its copies, wherever the file lies. ``report`` is called after each image.

    Returns:
        Files of the image (C, X, Y, Z), float16, and of its copies; file of the labels (X, Y, Z), uint8.

    Raises:
        ValueError: if the transforms do not give an image and labels of one shape.
        OSError: if the cache cannot be written.
    """
    key = cache_key(entry, describe([volume_transform, features]))
    name = f"{entry.get('person')} {entry['case']}"
    labels, images = folder / f"{key}_label.npy", [folder / f"{key}_0.npy"]
    for copy in range(1, copies + 1):
        degraded = _digest(f"{describe(degradation)} {seed} {copy} {name}")
        images.append(folder / f"{key}_{degraded[:12]}.npy")

    @functools.cache
    def volume() -> dict[str, Any]:
        return dict(volume_transform(dict(entry)))

    def arrays(copy: int) -> Iterator[np.ndarray]:
        item = dict(volume())
        if copy > 0 and degradation is not None:
            degrade = deepcopy(degradation)  # a random transform keeps what it drew, and would get another name
            if isinstance(degrade, Randomizable):
                state = np.random.SeedSequence([seed, copy, int(_digest(name)[:8], 16)]).generate_state(1)
                degrade.set_random_state(seed=int(state[0]))
            item = dict(degrade(item))
        image, label = torch.as_tensor(dict(features(item))["image"]), torch.as_tensor(volume()["label"])
        if image.ndim != 4 or label.shape != (1, *image.shape[1:]):
            raise ValueError(
                f"{entry['image']}: prepared as {tuple(image.shape)} with labels of {tuple(label.shape)}; they "
                "must be volumes (C, X, Y, Z) and (1, X, Y, Z) of one size"
            )
        yield label[0].numpy().astype(np.uint8)
        yield image.numpy().astype(np.float16)

    for copy, file in enumerate(images):
        store((labels, file), functools.partial(arrays, copy))
        report()
    return images, labels


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def patch(array: np.ndarray, centre: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """Copy of a patch about a centre, moved inside the volume (..., X, Y, Z), padded with 0 where that is smaller."""
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
