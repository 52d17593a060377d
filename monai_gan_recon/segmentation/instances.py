"""From a semantic label map to numbered instances: connected components of each class."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type
from skimage.measure import label as connected_components

from monai_gan_recon.segmentation.roi import affine_of, voxel_volume_mm3

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
        number = isinstance(minimum_size_mm3, int | float) and not isinstance(minimum_size_mm3, bool)
        if not (number and 0 <= minimum_size_mm3 < math.inf):
            raise ValueError(f"the minimum size must be a number of mm³, 0 or more, got {minimum_size_mm3!r}")
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


class Instancesd(MapTransform):
    """Dictionary version of :class:`Instances`: adds the instances of a label map under a key of their own.

    Args:
        keys: the one key of the label map.
        instances_key: key of the instances.
        minimum_size_mm3: see :class:`Instances`.
        connectivity: see :class:`Instances`.
        classes: see :class:`Instances`.
        allow_missing_keys: skip a key that is not there.
    """

    def __init__(
        self,
        keys: KeysCollection = "label",
        instances_key: str = "instances",
        minimum_size_mm3: float = 0.0,
        connectivity: int = 26,
        classes: Sequence[int] | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.instances_key = instances_key
        self.instances = Instances(minimum_size_mm3, connectivity, classes)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the instances."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[self.instances_key] = self.instances(result[key])
        return result


def label_values(labels: torch.Tensor) -> np.ndarray:
    """Labels (1, X, Y, Z) as integers (X, Y, Z), checked.

    Raises:
        ValueError: for another shape, values that are no whole numbers from 0 on, or if no voxel is labelled.
    """
    if labels.ndim != 4 or labels.shape[0] != 1 or labels.is_complex():
        raise ValueError(f"labels must be one real volume (1, X, Y, Z), not of shape {tuple(labels.shape)}")
    values = (labels.as_tensor() if isinstance(labels, MetaTensor) else labels)[0].detach().cpu().numpy()
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
