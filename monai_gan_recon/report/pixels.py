"""Slices as text in a page: 8 bits, each row as differences, deflated, base64; the browser undoes it by itself."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layer:
    """A volume in 8 bits.

    Attributes:
        slices: uint8 (N, H, W).
        low: intensity of 0.
        high: intensity of 255; more than that is cut off.
    """

    slices: np.ndarray
    low: float
    high: float


def quantise(volume: np.ndarray, high: float) -> Layer:
    """Magnitudes (N, H, W) from 0 to ``high`` in 255 steps, the error at most half a step."""
    high = high if math.isfinite(high) and high > 0 else 1.0
    scaled = np.empty(volume.shape, np.uint8)
    for number, image in enumerate(volume):  # volumes are large
        values = np.nan_to_num(image.astype(np.float32), nan=0.0, posinf=high, neginf=0.0)
        scaled[number] = np.rint(np.clip(values / high, 0, 1) * 255)
    return Layer(scaled, 0.0, high)


def bright(volume: np.ndarray, percentile: float = 99.8) -> float:
    """Intensity that a percentile of the voxels above 0 stays below; a few bright vessels do not set the window."""
    values = volume[:: max(1, len(volume) // 64)]
    values = values[np.isfinite(values) & (values > 0)]
    return float(np.percentile(values, percentile)) if values.size else 1.0


def encode(image: np.ndarray) -> str:
    """A slice, uint8 (H, W), as base64 of the deflated differences from the left neighbour (modulo 256)."""
    steps = image.copy()
    steps[:, 1:] -= image[:, :-1]
    return base64.b64encode(zlib.compress(steps.tobytes(), 6)).decode("ascii")


def decode(text: str, shape: Sequence[int]) -> np.ndarray:
    """The slice that :func:`encode` was given, uint8 of ``shape`` (H, W)."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(tuple(shape))
    return np.cumsum(steps, axis=1, dtype=np.uint8)


def encode_within(volumes: Mapping[str, np.ndarray], budget: int) -> tuple[dict[str, list[str]], list[int]]:
    """Encode volumes, uint8 (N, H, W) of one shape, in at most ``budget`` characters: else slices are left out evenly.

    Returns:
        The texts of each volume, and the indices of the slices that were kept.
    """
    texts = {name: [encode(image) for image in volume] for name, volume in volumes.items()}
    count = len(next(iter(texts.values())))
    sizes = np.array([sum(len(slices[i]) + 3 for slices in texts.values()) for i in range(count)])
    stride = 1
    while stride < count and sizes[stride // 2 :: stride].sum() > budget:
        stride += 1
    kept = list(range(count))[stride // 2 :: stride]
    return {name: [slices[i] for i in kept] for name, slices in texts.items()}, kept
