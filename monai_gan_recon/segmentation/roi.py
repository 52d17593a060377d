"""Measures of regions of interest: boxes in voxels and in mm, volumes, centroids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from monai.data import MetaTensor
from scipy import ndimage

Triple = tuple[float, float, float]
Index = tuple[int, int, int]


@dataclass(frozen=True)
class Region:
    """One instance and where it is.

    Attributes:
        instance: its number, from 1.
        label: class of its voxels.
        voxels: number of voxels.
        volume_ml: volume in ml.
        box_start: first voxel (i, j, k) of the box.
        box_stop: voxel after the last, as in Python's slices.
        world_min: least x, y, z in mm (RAS) of the box, its voxels' full extent.
        world_max: greatest x, y, z in mm (RAS).
        centroid_voxel: mean index (i, j, k) of its voxels.
        centroid_world: the same in mm (RAS).
    """

    instance: int
    label: int
    voxels: int
    volume_ml: float
    box_start: Index
    box_stop: Index
    world_min: Triple
    world_max: Triple
    centroid_voxel: Triple
    centroid_world: Triple


def measure_regions(instances: torch.Tensor, labels: torch.Tensor) -> list[Region]:
    """Measure each instance.

    Args:
        instances: (1, X, Y, Z), numbers from 1, 0 = none, see :class:`Instances`; its affine gives mm and ml (1 mm
            voxels for a plain tensor).
        labels: (1, X, Y, Z), the label map that they come from.

    Returns:
        one region for each number that occurs, in order.

    Raises:
        ValueError: if the two have different shapes, or an instance has voxels of more than one class.
    """
    if instances.shape != labels.shape:
        raise ValueError(
            f"instances of shape {tuple(instances.shape)} do not fit labels of shape {tuple(labels.shape)}"
        )
    affine = affine_of(instances)
    numbers, classes = (_array(volume) for volume in (instances, labels))
    where = np.nonzero(numbers)
    number, label = numbers[where], classes[where]
    voxels = np.bincount(number)
    label_of = np.zeros(len(voxels), dtype=np.int64)
    label_of[number] = label
    if (label_of[number] != label).any():
        raise ValueError("an instance has voxels of several classes; give the label map that it comes from")
    sums = np.stack([np.bincount(number, weights=index, minlength=len(voxels)) for index in where], axis=1)
    boxes, voxel_mm3 = ndimage.find_objects(numbers), voxel_volume_mm3(affine)
    regions = []
    for i in np.flatnonzero(voxels).tolist():
        box = boxes[i - 1]
        start, stop = _index([s.start for s in box]), _index([s.stop for s in box])
        low, high = world_box(start, stop, affine)
        centroid = sums[i] / voxels[i]
        world = affine[:3, :3] @ centroid + affine[:3, 3]
        count = int(voxels[i])
        measures = (
            count,
            count * voxel_mm3 / 1000,
            start,
            stop,
            low,
            high,
            _triple(centroid),
            _triple(world),
        )
        regions.append(Region(i, int(label_of[i]), *measures))
    return regions


def class_volumes(labels: torch.Tensor) -> dict[int, float]:
    """Volume of each class of a label map (1, X, Y, Z) that occurs, in ml, by its label; without label 0."""
    found, counts = np.unique(_array(labels), return_counts=True)
    voxel_mm3 = voxel_volume_mm3(affine_of(labels))
    return {
        int(label): int(n) * voxel_mm3 / 1000 for label, n in zip(found, counts, strict=True) if label != 0
    }


def world_box(start: Sequence[int], stop: Sequence[int], affine: np.ndarray) -> tuple[Triple, Triple]:
    """Box in mm, along the world's axes, around all eight corners of a box of voxels.

    Args:
        start: first voxel (i, j, k).
        stop: voxel after the last.
        affine: (4, 4), voxel centres to RAS in mm, of any orientation; a voxel reaches half an index to each side.

    Returns:
        least and greatest (x, y, z).
    """
    corners = np.array(list(product(*zip(start, stop, strict=True)))) - 0.5
    world = corners @ affine[:3, :3].T + affine[:3, 3]
    return _triple(world.min(axis=0)), _triple(world.max(axis=0))


def affine_of(volume: torch.Tensor) -> np.ndarray:
    """Affine (4, 4), voxel to RAS in mm, float64; the identity of a plain tensor."""
    if not isinstance(volume, MetaTensor):
        return np.eye(4)
    affine: np.ndarray = volume.affine.detach().cpu().double().numpy()
    return affine


def voxel_volume_mm3(affine: np.ndarray) -> float:
    """Volume of a voxel in mm³; the triple product, which is exact on straight grids (a determinant is rounded)."""
    return float(abs(affine[:3, 0] @ np.cross(affine[:3, 1], affine[:3, 2])))


def _array(volume: torch.Tensor) -> np.ndarray:
    plain = volume.as_tensor() if isinstance(volume, MetaTensor) else volume
    result: np.ndarray = plain[0].detach().cpu().numpy().astype(np.int64)
    return result


def _triple(values: np.ndarray) -> Triple:
    x, y, z = (float(v) for v in values)
    return (x, y, z)


def _index(values: Sequence[int]) -> Index:
    i, j, k = (int(v) for v in values)
    return (i, j, k)
