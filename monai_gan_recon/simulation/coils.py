"""Coil sensitivities to simulate with: an analytic array, or measured maps, each time another head in another place."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from scipy.io import loadmat
from torch.nn.functional import affine_grid, grid_sample, interpolate

from monai_gan_recon.simulation.phase import random_field

_GRID = 24
_SEGMENTS = 48


def biot_savart_maps(size: tuple[int, int], coils: int, rng: np.random.Generator | None = None) -> torch.Tensor:
    r"""Receive sensitivities of a ring of circular loops around the head, by the law of Biot and Savart.

    Each loop's field is summed over straight segments on a coarse grid and interpolated; its transverse components give
    the sensitivity :math:`B_x - i B_y` (Roemer et al., Magn Reson Med 16, 1990).

    Args:
        size: (H, W); the frame is a square of side 2 around which the loops stand.
        coils: number of loops.
        rng: moves, turns and scales the loops; None: an even ring.

    Returns:
        complex64 (coils, H, W), root sum of squares at most 1.
    """

    def jitter(low: float, high: float) -> float:
        return (low + high) / 2 if rng is None else rng.uniform(low, high)

    turn, radius = jitter(-np.pi, np.pi), jitter(0.35, 0.75)
    axis = np.linspace(-1, 1, _GRID)
    points = np.stack([*np.meshgrid(axis, axis, indexing="ij"), np.zeros((_GRID, _GRID))], axis=-1)
    around = 2 * np.pi * np.arange(_SEGMENTS) / _SEGMENTS
    maps = []
    for coil in range(coils):
        angle = turn + 2 * np.pi * (coil + jitter(-0.2, 0.2)) / coils
        outward = np.array([np.cos(angle), np.sin(angle), 0.0])
        tangent, up = np.array([-np.sin(angle), np.cos(angle), 0.0]), np.array([0.0, 0.0, 1.0])
        up = up * np.cos(tilt := jitter(-0.3, 0.3)) + outward * np.sin(tilt)
        centre = jitter(1.1, 1.6) * outward + jitter(-0.3, 0.3) * up
        wire = centre + radius * (np.cos(around)[:, None] * tangent + np.sin(around)[:, None] * up)
        step = np.roll(wire, -1, axis=0) - wire
        distance = points[:, :, None] - (wire + step / 2)
        field = np.cross(step, distance) / np.linalg.norm(distance, axis=-1, keepdims=True) ** 3
        field = field.sum(axis=2)
        maps.append(field[..., 0] - 1j * field[..., 1])
    return _fit(torch.from_numpy(np.stack(maps).astype(np.complex64)), size)


def measured_maps(path: str | os.PathLike[str]) -> torch.Tensor:
    """Read measured sensitivities, complex64 (coils, H, W), from the array "S" (H, W, 1, coils) of a MATLAB file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds no such array.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file of coil sensitivities")
    maps = loadmat(path).get("S")
    if maps is None or maps.ndim != 4 or not np.iscomplexobj(maps):
        raise ValueError(f"{path}: holds no complex array 'S' (H, W, 1, coils)")
    return torch.from_numpy(maps[:, :, 0].transpose(2, 0, 1).astype(np.complex64))


def random_maps(
    size: tuple[int, int], coils: int, rng: np.random.Generator, measured: torch.Tensor | None = None
) -> torch.Tensor:
    """Sensitivities as prewhitened, compressed data of some array have them.

    Args:
        size: (H, W).
        coils: number of (virtual) coils, at least 1.
        rng: source of randomness.
        measured: measured maps (many, H, W) to start from; None: loops by Biot and Savart.

    Returns:
        complex64 (coils, H, W), root sum of squares at most 1, orthogonal mixtures of correlated coils.
    """
    if measured is None:
        maps = biot_savart_maps(size, int(rng.integers(coils, 2 * coils + 1)), rng)
    else:
        chosen = measured[torch.from_numpy(rng.permutation(len(measured))[: max(coils, int(rng.integers(8, 33)))])]
        angle, zoom = rng.uniform(-0.5, 0.5), rng.uniform(0.7, 1.1)
        flip = rng.choice([-1.0, 1.0])
        theta = torch.tensor(
            [[flip * np.cos(angle), -np.sin(angle), rng.uniform(-0.15, 0.15)],
             [flip * np.sin(angle), np.cos(angle), rng.uniform(-0.15, 0.15)]],
            dtype=torch.float32,
        ) * zoom  # fmt: skip
        planes = torch.view_as_real(chosen).permute(3, 0, 1, 2)
        grid = affine_grid(theta.expand(2, 2, 3), [2, *chosen.shape], align_corners=False)
        warped = grid_sample(planes, grid, padding_mode="border", align_corners=False)
        maps = _fit(torch.view_as_complex(warped.permute(1, 2, 3, 0).contiguous()), size)
    mixing = rng.normal(size=(2, len(maps), len(maps))) * rng.uniform(0, 0.15)
    maps = torch.einsum("ij,jhw->ihw", torch.from_numpy(mixing[0] + 1j * mixing[1] + np.eye(len(maps))).to(maps), maps)
    small = maps[:, :: max(size[0] // 32, 1), :: max(size[1] // 32, 1)].flatten(1)
    compression = torch.linalg.svd(small, full_matrices=False)[0][:, :coils].mH
    return _fit(torch.einsum("ij,jhw->ihw", compression, maps), size)


def perturbed(maps: torch.Tensor, error: float, rng: np.random.Generator) -> torch.Tensor:
    """Maps (coils, H, W) with a smooth relative error of this standard deviation, as maps of few lines have it."""
    size = (maps.shape[-2], maps.shape[-1])
    fields = [random_field(size, int(rng.integers(3, 9)), rng) for _ in range(2 * len(maps))]
    return maps * (1 + error * torch.complex(torch.stack(fields[::2]), torch.stack(fields[1::2])))


def _fit(maps: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Interpolate to the size, and scale to a root sum of squares of at most 1."""
    if tuple(maps.shape[-2:]) != tuple(size):
        planes = interpolate(torch.view_as_real(maps).movedim(-1, 1), size=size, mode="bicubic", align_corners=True)
        maps = torch.view_as_complex(planes.movedim(1, -1).contiguous())
    return maps / torch.linalg.vector_norm(maps, dim=0).max()
