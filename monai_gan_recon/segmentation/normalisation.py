"""Robust intensity normalisation within the brain."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type

from monai_gan_recon.segmentation.brain_mask import mask_values, volume_values

IQR_OF_NORMAL = 1.349
"""Interquartile range of a normal distribution of standard deviation 1."""
FOREGROUND_EPS = 1e-6
"""What a brain voxel of exactly the median becomes, so that 0 means background and nothing else."""


class NormalizeTissue(Transform):
    r"""Centre a volume on the brain's median and scale it by the brain's spread; the background becomes 0.

    .. math:: x' = (x - \mathrm{median}) / s, \quad s = \mathrm{IQR} / 1.349

    over the voxels of the mask (the standard deviation, if the interquartile range is 0). Bright vessels, fat and
    ringing hardly move median and quartiles. Background is exactly 0, and no voxel of the brain is.

    Raises:
        ValueError: at the call, see :func:`volume_values` and :func:`mask_values`, and for an image that is
            constant within its mask.
    """

    def __call__(self, image: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Normalise a volume.

        Args:
            image: (1, X, Y, Z), in any unit.
            mask: (1, X, Y, Z), the brain; None: :class:`BrainMask` of the image.

        Returns:
            (1, X, Y, Z), float32, dimensionless, with the image's affine and history.
        """
        values, inside = volume_values(image), mask_values(mask, image)
        brain = values[inside]
        low, median, high = np.percentile(brain, [25, 50, 75])
        scale = (high - low) / IQR_OF_NORMAL or float(brain.std(dtype=np.float64))
        if not scale > 0 or brain.min() == brain.max():
            raise ValueError(
                f"the image is constant within its brain mask (every value is {median:g}); it cannot be normalised"
            )
        scaled = ((brain - median) / scale).astype(np.float32)
        scaled[scaled == 0] = FOREGROUND_EPS
        result = np.zeros_like(values)
        result[inside] = scaled
        return convert_to_dst_type(result[None], image, dtype=torch.float32)[0]


class NormalizeTissued(MapTransform):
    """Dictionary version of :class:`NormalizeTissue`; each key is scaled by its own median and spread.

    Args:
        keys: keys of the volumes.
        mask_key: key of the brain mask; None: the :class:`BrainMask` of each volume.
        allow_missing_keys: skip keys that are not there.
    """

    def __init__(
        self, keys: KeysCollection = "image", mask_key: str | None = None, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.mask_key, self.normalizer = mask_key, NormalizeTissue()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Normalise the volumes."""
        result = dict(data)
        mask = None if self.mask_key is None else data[self.mask_key]
        for key in self.key_iterator(result):
            result[key] = self.normalizer(result[key], mask)
        return result
