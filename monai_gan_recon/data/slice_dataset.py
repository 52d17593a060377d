"""Training slices of many volumes, prepared once onto disk and read one by one."""

from __future__ import annotations

import functools
import math
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from nibabel.filebasedimages import ImageFileError
from tqdm import tqdm

from ..checks import check_counts, check_fractions, check_output_dir
from ..errors import with_causes
from ..transforms.geometry import plane_axcodes, plane_slices
from ..vocabulary import MAX_SLICE_SIZE, MIN_SLICE_SIZE, PLANES
from .cache import cache_key, describe, store
from .cases import with_cases
from .epochs import DictTransform, EpochDataset
from .manifest import check_repeat

_FOREGROUND = 0.02
"""Pixels above this value are foreground."""

_SECONDS = 15.0
"""Time between two lines of the preparation, where no progress bar is shown."""


class VolumeSliceDataset(EpochDataset):
    """2-D slices of volumes: each volume is preprocessed once onto disk, then single slices are read.

    An item is a dictionary with ``image`` (1, H, W) float32 (what ``slice_transform`` makes of it), ``person``,
    ``case``, ``plane``, ``slice``, and a ``seed`` for what is drawn after it. Slices lie as displayed: H downwards, W
    to the right (see :func:`~monai_gan_recon.transforms.geometry.plane_axcodes`). :class:`EpochDataset` says how
    items are drawn.

    Args:
        data: entries of a data manifest: dictionaries with ``image`` (path) and ``person``; ``repeat``, if given, is
            how often each slice of the volume counts.
        volume_transform: run once a volume, from an entry to ``image`` (1, X, Y, Z) in [0, 1] with affine,
            for example ``Compose([LoadVolumed("image"), ScaleMinMaxd("image")])``.
        slice_transform: run on every item, random or not; a ``Compose`` is seeded for each item.
        planes: planes to take slices from: "coronal", "axial", "sagittal".
        cache_dir: folder of the preprocessed slices, reused by later runs; default: a temporary one, removed
            at exit.
        min_foreground: slices with a smaller fraction of foreground pixels are left out.
        min_pixels: planes whose slices have fewer pixels along a side are left out: thick slices are taken as they are.
        seed: seed of the order and of the random transforms.
        slices_per_epoch: slices an epoch for :meth:`sampler`; ``None``: all.
        progress: show a progress bar while volumes are preprocessed.

    Raises:
        ValueError: if there are no entries, a plane is unknown, a volume cannot be used, or no slice has enough
            foreground.
        OSError: if the cache cannot be written.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        volume_transform: DictTransform,
        slice_transform: DictTransform | None = None,
        planes: Sequence[str] = ("coronal",),
        cache_dir: str | os.PathLike[str] | None = None,
        min_foreground: float = 0.1,
        min_pixels: int = 16,
        seed: int = 0,
        slices_per_epoch: int | None = None,
        progress: bool = True,
    ) -> None:
        if slices_per_epoch is not None:
            check_counts(slices_per_epoch=slices_per_epoch)
        check_counts(0, MAX_SLICE_SIZE, min_pixels=min_pixels)
        check_fractions(min_foreground=min_foreground)
        super().__init__(slice_transform, seed, slices_per_epoch)
        if not data:
            raise ValueError("the data list of the training slices is empty; give at least one volume")
        for entry in data:
            check_repeat(entry)
        names = check_planes(planes)
        folder = self._cache_folder(cache_dir)
        self._items: list[tuple[Path, str, str, str, int]] = []
        entries = with_cases(data)
        announce_cache(entries, describe(volume_transform), names, folder)
        last = time.monotonic()
        bar = tqdm(entries, desc="preparing volumes", unit="volume", disable=None if progress else True)
        for number, entry in enumerate(bar):
            case = entry["case"]
            if bar.disable and time.monotonic() - last > _SECONDS:
                tqdm.write(f"preparing volumes: {number} of {len(data)}")
                last = time.monotonic()
            person = str(entry.get("person", case))
            prepared = cached_slices(entry, volume_transform, names, folder)
            for plane, (file, foreground) in prepared.items():
                if min(np.load(file, mmap_mode="r").shape[1:]) < max(min_pixels, MIN_SLICE_SIZE):
                    continue
                numbers = np.flatnonzero(foreground >= min_foreground).tolist()
                slices = [(file, person, case, plane, number) for number in numbers]
                self._items += entry.get("repeat", 1) * slices
        if not self._items:
            raise ValueError(
                f"no slice of {len(data)} volumes ({data[0]['image']}, ...), {', '.join(names)}, has sides of at least "
                f"{max(min_pixels, MIN_SLICE_SIZE)} pixels and {min_foreground:.0%} of them above "
                f"{_FOREGROUND:g}; choose other planes, or lower min_foreground"
            )

    def __len__(self) -> int:
        """Number of slices."""
        return len(self._items)

    def item(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """One slice."""
        file, person, case, plane, number = self._items[index % len(self)]
        image = torch.from_numpy(np.array(np.load(file, mmap_mode="r")[number])[None])
        seed = int(rng.integers(2**31))
        return {"image": image, "person": person, "case": case, "plane": plane, "slice": number, "seed": seed}

    def _cache_folder(self, cache_dir: str | os.PathLike[str] | None) -> Path:
        if cache_dir is not None:
            return check_output_dir(cache_dir)
        folder = tempfile.mkdtemp(prefix="monai_gan_recon_slices_")
        weakref.finalize(self, _remove_folder, folder, os.getpid())
        return Path(folder)


def check_planes(planes: Any) -> tuple[str, ...]:
    """The planes; a ValueError if there is none, or one is unknown."""
    names = (planes,) if isinstance(planes, str) else tuple(planes or ())
    if not names:
        raise ValueError("planes: give at least one of " + ", ".join(PLANES))
    for plane in names:
        plane_axcodes(plane)
    return names


def announce_cache(data: Sequence[Mapping[str, Any]], recipe: str, planes: Sequence[str], folder: Path) -> None:
    """Say how much the cache will grow, from the headers of the NIfTI volumes that are not in it; others are not read.

    ``recipe`` describes the volume transform, which keeps the number of voxels; each plane is a copy of the volume.
    """
    new = [entry for entry in data if not (folder / f"{cache_key(entry, recipe)}_{planes[0]}.npy").exists()]
    sizes = [size for entry in new if (size := _size_told(Path(entry["image"])))]
    if new:
        gigabytes = 4 * sum(map(math.prod, sizes)) * len(planes) / 1e9
        about = f": about {gigabytes:.2g} GB of slices in {folder}" if len(sizes) == len(new) else ""
        tqdm.write(f"preparing {len(new)} volumes{about}")


def _size_told(path: Path) -> tuple[int, ...] | None:
    """Size that the header of a NIfTI says; None for other and damaged files."""
    try:
        return tuple(nib.load(path).shape)
    except (ImageFileError, OSError):
        return None


def cached_slices(
    entry: Mapping[str, Any],
    volume_transform: DictTransform,
    planes: Sequence[str],
    folder: Path,
) -> dict[str, tuple[Path, np.ndarray]]:
    """Slices of one volume in each plane, preprocessed now unless an earlier run left them in the cache ``folder``.

    Args are those of :class:`VolumeSliceDataset`, for one entry.

    Returns:
        By plane: a file of slices (N, H, W), float32, and the fraction of foreground of each, shape (N,).

    Raises:
        ValueError: if the transform gives something else than one real volume.
        OSError: if the cache cannot be written.
    """

    @functools.cache
    def volume() -> torch.Tensor:
        image: torch.Tensor = with_causes(volume_transform, dict(entry))["image"]
        if not hasattr(image, "affine") or image.ndim != 4 or image.shape[0] != 1 or image.is_complex():
            raise ValueError(
                f"{entry['image']}: the volume transform must give one real volume (1, X, Y, Z) with affine"
            )
        return image

    def slices(plane: str) -> Iterator[np.ndarray]:
        array = plane_slices(volume(), plane).numpy().astype(np.float32)
        yield array
        yield (array > _FOREGROUND).mean(axis=(1, 2))

    key = cache_key(entry, describe(volume_transform))
    found = {}
    for plane in planes:
        files = folder / f"{key}_{plane}.npy", folder / f"{key}_{plane}_{_FOREGROUND:g}.npy"
        store(files, functools.partial(slices, plane))
        found[plane] = files[0], np.load(files[1])
    return found


def _remove_folder(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # not when a forked loader worker ends
        shutil.rmtree(folder, ignore_errors=True)
