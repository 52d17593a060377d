"""Preprocessed slices on disk, one file a volume and plane: training memory does not grow with the data."""

from __future__ import annotations

import enum
import functools
import hashlib
import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import monai
import numpy as np
import torch

from monai_gan_recon.io.writing import atomic_path

from .. import __version__
from ..transforms.causes import apply_with_causes
from ..transforms.geometry import SlicesOfPlane
from ..vocabulary import MIN_SLICE_SIZE


@dataclass(frozen=True)
class CachedSlices:
    """Slices of one volume in a plane: ``file`` has (N, H, W) float32, ``foreground`` a fraction for each."""

    file: Path
    foreground: tuple[float, ...]


def describe(value: Any, _depth: int = 0) -> str:
    """Text that is the same for transforms built alike, in every process (``repr`` holds addresses).

    Random states and private attributes are left out; functions count by their code, tensors by their
    content, classes of this package also by the file that they are written in: a changed transform prepares anew.
    """
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, Path)):
        return repr(value)
    if _depth > 12:
        return type(value).__qualname__
    if isinstance(value, Mapping):
        return "{" + ",".join(sorted(f"{k!r}:{describe(v, _depth + 1)}" for k, v in value.items())) + "}"
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [describe(item, _depth + 1) for item in value]
        return "[" + ",".join(sorted(items) if isinstance(value, (set, frozenset)) else items) + "]"
    if isinstance(value, (np.ndarray, torch.Tensor)):
        array = np.asarray(value)
        return f"{array.dtype}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()}"
    if isinstance(value, (np.generic, np.dtype, torch.dtype)):
        return str(value)
    if isinstance(value, functools.partial):
        return f"partial{describe([value.func, value.args, value.keywords], _depth + 1)}"
    if hasattr(value, "__code__"):
        cells = [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
        held = [cells, value.__defaults__, value.__kwdefaults__, getattr(value, "__self__", None)]
        return f"{value.__qualname__}{_code(value.__code__)}{describe(held, _depth + 1)}"
    if isinstance(value, (type, enum.Enum)) or not hasattr(value, "__dict__"):
        return _without_address(value)
    state = {k: v for k, v in vars(value).items() if not k.startswith("_") and k != "R"}
    held_here = describe(state, _depth + 1) if state else _without_address(value)
    return f"{type(value).__module__}.{type(value).__qualname__}{_source(type(value))}{held_here}"


def _source(kind: type) -> str:
    if kind.__module__.partition(".")[0] != __package__.partition(".")[0]:
        return ""
    return hashlib.sha256(Path(inspect.getfile(kind)).read_bytes()).hexdigest()


def _without_address(value: Any) -> str:
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _code(code: CodeType) -> str:
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return f"{code.co_code!r}{code.co_names}{constants}"


def cache_key(path: str, recipe: str) -> str:
    """File name (no suffix) for an image preprocessed by ``recipe``; changes when the image file does."""
    status = Path(path).stat()
    parts = (
        str(Path(path).absolute()),
        status.st_mtime_ns,
        status.st_size,
        recipe,
        __version__,
        monai.__version__,
    )
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:40]


def cached_slices(
    entry: Mapping[str, Any],
    volume_transform: Callable[[dict[str, Any]], Mapping[str, Any]],
    planes: tuple[str, ...],
    folder: Path,
    threshold: float,
) -> dict[str, CachedSlices]:
    """Slices of one volume in each plane, preprocessed now unless an earlier run left them in ``folder``.

    Args:
        entry: entry of a data manifest; ``image`` is the path.
        volume_transform: from the entry to a dictionary whose ``image`` is (1, X, Y, Z) with its affine.
        planes: "coronal", "axial", "sagittal".
        folder: cache folder.
        threshold: pixels above it are foreground.

    Raises:
        ValueError: if the transform gives something else than one real volume.
        OSError: if the cache cannot be written.
    """
    key = cache_key(entry["image"], describe(volume_transform))
    found = {plane: _find(folder, key, plane, threshold) for plane in planes}
    missing = [plane for plane, slices in found.items() if slices is None]
    if missing:
        volume = apply_with_causes(volume_transform, dict(entry))["image"]
        if not hasattr(volume, "affine") or volume.ndim != 4 or volume.shape[0] != 1 or volume.is_complex():
            raise ValueError(
                f"{entry['image']}: the volume transform must give one real volume (1, X, Y, Z) with affine"
            )
        for plane in missing:
            array = np.ascontiguousarray(SlicesOfPlane(plane)(volume)[0].numpy(), dtype=np.float32)
            if min(array.shape[1:]) < MIN_SLICE_SIZE:
                raise ValueError(
                    f"{entry['image']}: {plane} slices are {array.shape[1]}x{array.shape[2]}, at least "
                    f"{MIN_SLICE_SIZE} pixels are needed; choose another plane or leave the volume out"
                )
            found[plane] = _store(folder, key, plane, threshold, array)
    return {plane: slices for plane, slices in found.items() if slices is not None}


def _names(folder: Path, key: str, plane: str, threshold: float) -> tuple[Path, Path]:
    return folder / f"{key}_{plane}.npy", folder / f"{key}_{plane}_{threshold:g}.json"


def _find(folder: Path, key: str, plane: str, threshold: float) -> CachedSlices | None:
    array_file, fraction_file = _names(folder, key, plane, threshold)
    if not (array_file.exists() and fraction_file.exists()):
        return None
    return CachedSlices(array_file, tuple(json.loads(fraction_file.read_text(encoding="utf-8"))))


def _store(folder: Path, key: str, plane: str, threshold: float, array: np.ndarray) -> CachedSlices:
    array_file, fraction_file = _names(folder, key, plane, threshold)
    foreground = tuple(float(fraction) for fraction in (array > threshold).mean(axis=(1, 2)))
    with atomic_path(array_file) as temporary:
        np.save(temporary, array)
    with atomic_path(fraction_file) as temporary:
        temporary.write_text(json.dumps(foreground), encoding="utf-8")
    return CachedSlices(array_file, foreground)
