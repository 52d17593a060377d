"""Prepared training volumes on disk: each volume as it is and as degraded copies, read patch by patch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from copy import deepcopy as copy_of
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.transforms import Randomizable

from monai_gan_recon.data.cases import case_name
from monai_gan_recon.data.slice_cache import cache_key, describe
from monai_gan_recon.io.writing import atomic_path

DictTransform = Callable[[dict[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class CachedVolume:
    """A prepared volume: files of (X, Y, Z) arrays on one grid.

    Attributes:
        images: (C, X, Y, Z), float16 each, the first as acquired, then degraded copies of it.
        labels: (X, Y, Z), uint8.
    """

    images: tuple[Path, ...]
    labels: Path


def cached_volume(
    entry: Mapping[str, Any],
    volume_transform: DictTransform,
    degradation: DictTransform | None,
    features: DictTransform,
    copies: int,
    folder: Path,
    seed: int = 0,
    report: Callable[[], object] = lambda: None,
) -> CachedVolume:
    """Prepare one volume and its degraded copies, unless an earlier run left them in ``folder``.

    Args:
        entry: entry of a data manifest; ``image`` is a path, and so are all other strings of files; ``person`` and
            ``case`` choose what is drawn for its copies.
        volume_transform: from the entry to ``image`` (1, X, Y, Z), magnitudes, and ``label`` on its grid.
        degradation: random, seeded for each copy; None with ``copies`` 0.
        features: applied to the volume and to each copy; makes ``image`` (C, X, Y, Z), the network's input.
        copies: number of degraded copies.
        folder: cache folder.
        seed: seed of the degradation.
        report: called after each image.

    Raises:
        ValueError: if the transforms do not give an image and labels of one shape.
        OSError: if the cache cannot be written.
    """
    recipe = describe([volume_transform, features])
    key = cache_key(entry["image"], recipe + _other_files(entry))
    name = f"{entry.get('person')} {entry.get('case') or case_name(entry['image'])}"
    drawn_for = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)  # the same wherever the file lies
    labels = folder / f"{key}_label.npy"
    images = [folder / f"{key}_0.npy"]
    for copy in range(1, copies + 1):
        degraded = hashlib.sha256(f"{describe(degradation)} {seed} {copy} {name}".encode()).hexdigest()[:12]
        images.append(folder / f"{key}_{degraded}.npy")
    volume: dict[str, Any] | None = None
    for copy, file in enumerate(images):
        if not (file.exists() and labels.exists()):
            volume = volume or dict(volume_transform(dict(entry)))
            item = dict(volume)
            if copy > 0 and degradation is not None:
                degrade = copy_of(
                    degradation
                )  # a random transform keeps what it drew, and would get another name
                state = np.random.SeedSequence([seed, copy, drawn_for]).generate_state(1)
                if isinstance(degrade, Randomizable):
                    degrade.set_random_state(seed=int(state[0]))
                item = dict(degrade(item))
            image = torch.as_tensor(dict(features(item))["image"])
            label = torch.as_tensor(volume["label"])
            if image.ndim != 4 or label.shape != (1, *image.shape[1:]):
                raise ValueError(
                    f"{entry['image']}: prepared as {tuple(image.shape)} with labels of {tuple(label.shape)}; they "
                    "must be volumes (C, X, Y, Z) and (1, X, Y, Z) of one size"
                )
            _save(labels, label[0].numpy().astype(np.uint8))
            _save(file, image.numpy().astype(np.float16))
        report()
    return CachedVolume(tuple(images), labels)


def _other_files(entry: Mapping[str, Any]) -> str:
    files = [str(v) for k, v in sorted(entry.items()) if k != "image" and Path(str(v)).is_file()]
    return "".join(cache_key(file, "") for file in files)


def _save(path: Path, array: np.ndarray) -> None:
    with atomic_path(path) as temporary:
        np.save(temporary, np.ascontiguousarray(array))
