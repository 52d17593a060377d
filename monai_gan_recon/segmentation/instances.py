"""From a label map to numbered instances, the connected components of each class, and their measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform
from monai.utils import convert_to_dst_type
from skimage.measure import label as connected_components
from skimage.measure import regionprops

from monai_gan_recon.checks import check_numbers

Triple = tuple[float, float, float]
Index = tuple[int, int, int]
_SHARED = {6: 1, 18: 2, 26: 3}


class Instances(Transform):
    """Number the connected components of each class.

    Instances are numbered from 1: by class, and within a class from the largest to the smallest.

    Args:
        minimum_size_mm3: components of less volume than this are left out; in mm³, by the volume's affine, so that it
            means the same at any spacing.
        connectivity: voxels that hang together: 6 (share a face), 18 (an edge) or 26 (a corner).
        classes: labels to look at; None: all but 0.

    Raises:
        ValueError: for a negative size or another connectivity; at the call, see :func:`label_values`.
    """

    def __init__(
        self,
        minimum_size_mm3: float = 0.0,
        connectivity: int = 26,
        classes: Sequence[int] | None = None,
    ) -> None:
        check_numbers(minimum_size_mm3=minimum_size_mm3)
        if connectivity not in _SHARED:
            raise ValueError(f"connectivity must be 6, 18 or 26 neighbours, got {connectivity}")
        self.minimum_size_mm3, self.connectivity = float(minimum_size_mm3), connectivity
        self.classes = None if classes is None else tuple(classes)

    def __call__(self, labels: torch.Tensor) -> torch.Tensor:
        """Instances of a label map (1, X, Y, Z): int32, the same shape and affine, 0 = none."""
        values = label_values(labels)
        if self.classes is not None:
            values = np.where(np.isin(values, self.classes), values, 0)
        components = connected_components(values, background=0, connectivity=_SHARED[self.connectivity])
        sizes = np.bincount(components.ravel())
        class_of = np.zeros(len(sizes), dtype=values.dtype)
        class_of[components.ravel()] = values.ravel()
        volumes = sizes * voxel_volume_mm3(affine_of(labels))
        kept = np.flatnonzero((volumes >= self.minimum_size_mm3 * (1 - 1e-6)) & (class_of > 0))
        order = kept[np.lexsort((kept, -sizes[kept], class_of[kept]))]
        number = np.zeros(len(sizes), dtype=np.int32)
        number[order] = np.arange(1, len(order) + 1)
        return convert_to_dst_type(number[components][None], labels, dtype=torch.int32)[0]


def label_values(labels: torch.Tensor) -> np.ndarray:
    """Labels (1, X, Y, Z) as integers (X, Y, Z), checked.

    Raises:
        ValueError: for another shape, values that are no whole numbers from 0 on, or if no voxel is labelled.
    """
    if labels.ndim != 4 or labels.shape[0] != 1 or labels.is_complex():
        raise ValueError(f"labels must be one real volume (1, X, Y, Z), not of shape {tuple(labels.shape)}")
    values = labels.as_subclass(torch.Tensor)[0].detach().cpu().numpy()
    if values.dtype.kind == "f":
        wrong = ~np.isfinite(values) | (values != np.round(values))
        if wrong.any():
            raise ValueError(
                f"labels must be whole numbers, the label map has the value {values[wrong][0]:g} "
                f"({int(wrong.sum())} such voxels)"
            )
    result: np.ndarray = values.astype(np.int64)
    if result.min() < 0:
        raise ValueError(f"labels must be 0 or more, the label map has the value {result.min()}")
    if not result.any():
        raise ValueError("the label map is empty: no voxel is labelled")
    return result


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
    """Measure each instance, in the order of the numbers from 1.

    Args:
        instances: (1, X, Y, Z), 0 = none, see :class:`Instances`; its affine gives mm and ml (1 mm voxels for a plain
            tensor).
        labels: (1, X, Y, Z), the label map that they come from.

    Raises:
        ValueError: if the two have different shapes, or an instance has voxels of more than one class.
    """
    if instances.shape != labels.shape:
        raise ValueError(
            f"instances of shape {tuple(instances.shape)} do not fit labels of shape {tuple(labels.shape)}"
        )
    affine = affine_of(instances)
    voxel_mm3 = voxel_volume_mm3(affine)
    numbers, classes = (_array(volume) for volume in (instances, labels))
    regions = []
    for found in regionprops(numbers, intensity_image=classes):
        if found.intensity_min != found.intensity_max:
            raise ValueError("an instance has voxels of several classes; give the label map that it comes from")
        start, stop, count = found.bbox[:3], found.bbox[3:], int(found.area)
        centroid = np.array(found.centroid)
        world = _triple(affine[:3, :3] @ centroid + affine[:3, 3])
        place = (start, stop, *world_box(start, stop, affine), _triple(centroid), world)
        regions.append(Region(found.label, int(found.intensity_max), count, count * voxel_mm3 / 1000, *place))
    return regions


def class_volumes(labels: torch.Tensor) -> dict[int, float]:
    """Volume of each class of a label map (1, X, Y, Z) that occurs, in ml, by its label; without label 0."""
    found, counts = np.unique(_array(labels), return_counts=True)
    voxel_mm3 = voxel_volume_mm3(affine_of(labels))
    return {int(label): int(n) * voxel_mm3 / 1000 for label, n in zip(found, counts, strict=True) if label != 0}


def world_box(start: Sequence[int], stop: Sequence[int], affine: np.ndarray) -> tuple[Triple, Triple]:
    """Box in mm, least and greatest (x, y, z), around all corners of a box of voxels from ``start`` to ``stop``.

    ``affine`` is from voxel centres to RAS in mm, of any orientation; a voxel reaches half an index to each side.
    """
    corners = np.array(list(product(*zip(start, stop, strict=True)))) - 0.5
    world = corners @ affine[:3, :3].T + affine[:3, 3]
    return _triple(world.min(axis=0)), _triple(world.max(axis=0))


def affine_of(volume: torch.Tensor) -> np.ndarray:
    """Affine (4, 4), voxel to RAS in mm, float64; the identity of a plain tensor."""
    return volume.affine.detach().cpu().double().numpy() if isinstance(volume, MetaTensor) else np.eye(4)


def voxel_volume_mm3(affine: np.ndarray) -> float:
    """Volume of a voxel in mm³; the triple product, which is exact on straight grids (a determinant is rounded)."""
    return float(abs(affine[:3, 0] @ np.cross(affine[:3, 1], affine[:3, 2])))


def _array(volume: torch.Tensor) -> np.ndarray:
    return volume.as_subclass(torch.Tensor)[0].detach().cpu().numpy().astype(np.int64)


def _triple(values: np.ndarray) -> Triple:
    x, y, z = (float(v) for v in values)
    return (x, y, z)
