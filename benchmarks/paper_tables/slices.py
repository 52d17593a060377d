"""Which slices of a test volume count, chosen before anything is cropped or reconstructed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from monai_gan_recon.metrics import brain_coverage, brain_mask
from monai_gan_recon.metrics.conventions import MIN_FOREGROUND
from monai_gan_recon.transforms import CropPadSlices

FRAME = (256, 256)
"""The frame of which the brain must cover a tenth, the same for every slice size."""


class KeepSlicesd(MapTransform):
    """Keep the slices (1, N, H, W) that the protocol counts, or every n-th of them, or one given slice.

    All sizes of the tables are tested on the same slices this way: a slice is judged in the 256x256 frame before it is
    cropped. Where no slice covers enough (tiny volumes), all slices with foreground count.

    Args:
        keys: key of the volume of slices.
        step: keep every n-th of them, from the first on.
        only: keep this one slice of the volume and no other; where there are fewer, the middle one.
    """

    def __init__(self, keys: KeysCollection = "image", step: int = 1, only: int | None = None) -> None:
        super().__init__(keys)
        if step < 1:
            raise ValueError(f"--slice_step: give a whole number of at least 1, got {step}")
        self.step, self.only = step, only

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Keep those slices."""
        result = dict(data)
        for key in self.key_iterator(result):
            volume = result[key]
            chosen = self._chosen(volume)
            result[key] = volume[:, chosen]
        return result

    def _chosen(self, volume: torch.Tensor) -> list[int]:
        if self.only is not None:
            slices = volume.shape[1]
            return [self.only if self.only < slices else slices // 2]
        height, width = (min(n, side) for n, side in zip(volume.shape[-2:], FRAME, strict=True))
        inside = CropPadSlices((height, width))(torch.as_tensor(volume)).movedim(0, 1)  # padding has no brain
        coverage = brain_coverage(brain_mask(inside)) * (height * width) / (FRAME[0] * FRAME[1])
        counted = torch.nonzero(coverage >= MIN_FOREGROUND)[:, 0]
        if not len(counted):
            counted = torch.nonzero(coverage > 0)[:, 0]
        return [int(i) for i in counted[:: self.step]]
