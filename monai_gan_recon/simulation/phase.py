"""Phase of the object, as the main field, coils and flow give it: smooth for the most part, with finer parts."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import interpolate


def smooth_phase(
    size: tuple[int, int], rng: np.random.Generator, order: int = 3, strength: float = np.pi
) -> torch.Tensor:
    """A random smooth phase (H, W) in radians, float32: a 2-D polynomial as B0 and coil phase give it.

    ``order`` is the highest total power of the polynomial, ``strength`` the largest absolute phase.
    """
    y, x = (np.linspace(-1, 1, n) for n in size)
    powers = [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]
    phase = sum(rng.normal() * np.outer(y**i, x**j) for i, j in powers)
    return torch.from_numpy((phase / np.abs(phase).max() * strength).astype(np.float32))


def random_field(size: tuple[int, int], points: int, rng: np.random.Generator) -> torch.Tensor:
    """A random smooth field (H, W), float32: normal numbers on a grid of ``points`` x ``points``, bicubic between them.

    The more points, at least 2, the finer; its standard deviation is about 1.
    """
    grid = torch.from_numpy(rng.standard_normal((1, 1, points, points), dtype=np.float32))
    return interpolate(grid, size=size, mode="bicubic", align_corners=True)[0, 0]


def random_phase(size: tuple[int, int], rng: np.random.Generator) -> torch.Tensor:
    """The phase of a training image: polynomial, random fields of any scale, and little that is as fine as vessels.

    In radians, (H, W), float32: wider than a cubic polynomial, from nearly none to many turns.
    """
    turns = rng.uniform(0, 0.75) if rng.random() < 0.85 else rng.uniform(0.75, 2.5)
    phase = smooth_phase(size, rng, order=int(rng.integers(1, 4)), strength=2 * np.pi * turns)
    phase = phase + rng.uniform(0, 1) * random_field(size, int(rng.integers(3, 11)), rng)
    return phase + rng.exponential(0.06) * random_field(size, int(rng.integers(16, 65)), rng)
