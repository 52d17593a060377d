"""Extraction of the brain from heads with skull: a small network on voxels of 2 mm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from monai.networks.nets import BasicUNet
from monai.networks.utils import pixelshuffle, pixelunshuffle
from torch import nn
from torch.nn.functional import interpolate

SPACING_MM = 2.0
"""Spacing that the network sees."""
_BRIGHT = 0.99
"""Quantile of the positive voxels that becomes 1."""


class BrainNetwork(nn.Module):
    """Logits of the brain in volumes of 2 mm: a U-Net on blocks of 2 x 2 x 2 voxels, each block a vector.

    The blocks (sub-pixel convolution; Shi et al., CVPR 2016) let a slim network see a whole head at the cost of 4 mm
    and draw its border at 2 mm.

    Args:
        features: channels of MONAI's ``BasicUNet``.
    """

    def __init__(self, features: Sequence[int] = (16, 16, 32, 64, 64, 16)) -> None:
        super().__init__()
        self.unet = BasicUNet(
            spatial_dims=3,
            in_channels=8,
            out_channels=8,
            features=features,
            act=("LeakyReLU", {"negative_slope": 0.1, "inplace": True}),
            norm=("instance", {"affine": True}),
        ).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Volumes (B, 1, X, Y, Z), see :func:`network_input`, to logits (B, 1, X, Y, Z); even sizes."""
        blocks = pixelunshuffle(x, 3, 2).contiguous(memory_format=torch.channels_last_3d)
        return pixelshuffle(self.unet(blocks), 3, 2)


def network_input(values: torch.Tensor) -> torch.Tensor:
    """Scale magnitudes so that the 99th percentile of what is above 0 becomes 1, and limit them to [0, 1.5].

    Args:
        values: of any shape, at least one above 0.
    """
    positive = values[values > 0]
    some = positive[:: max(1, positive.numel() // 200_000)]
    return (values / torch.quantile(some.float(), _BRIGHT)).clamp(0, 1.5)


def resize(values: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Resample a volume (X, Y, Z) over the same field of view: averages where it shrinks, linear where it grows."""
    smaller = [min(now, wanted) for now, wanted in zip(values.shape, shape, strict=True)]
    averaged = interpolate(values[None, None].float(), size=smaller, mode="area")
    return interpolate(averaged, size=tuple(shape), mode="trilinear")[0, 0]


def network_shape(shape: Sequence[int], spacing: Sequence[float]) -> tuple[int, ...]:
    """Size of a volume's field of view in voxels of 2 mm, even."""
    return tuple(max(2, 2 * round(n * step / SPACING_MM / 2)) for n, step in zip(shape, spacing, strict=True))
