"""Stages of MONAI ResNet bottlenecks, and the padding that lets them see any size."""

from __future__ import annotations

import torch
from monai.networks.layers.utils import get_norm_layer
from monai.networks.nets.resnet import ResNetBottleneck
from torch import nn
from torch.nn import functional as F

EXPANSION = ResNetBottleneck.expansion


def bottleneck_stage(
    in_channels: int,
    planes: int,
    blocks: int,
    stride: int = 1,
    norm: str | tuple | None = None,
    act: str | tuple = ("relu", {"inplace": True}),
) -> nn.Sequential:
    """A ResNet stage: ``blocks`` bottlenecks, the first of them with the stride and, if shapes differ, a projection.

    Without a norm the last convolution of each bottleneck starts at zero, so that the stage starts as its shortcut
    (Zhang et al. 2019, "Fixup").

    Args:
        in_channels: channels of the input.
        planes: channels of the 3x3 convolutions; the stage gives ``4 * planes`` channels.
        blocks: number of bottlenecks, at least 1.
        stride: stride of the first 3x3 convolution.
        norm: MONAI norm layer, or None.
        act: MONAI activation.
    """
    out_channels = planes * EXPANSION
    shortcut = None
    if stride != 1 or in_channels != out_channels:
        shortcut = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=norm is None),
            get_norm_layer(norm or "", spatial_dims=2, channels=out_channels),
        )
    stage = nn.Sequential(
        *(
            ResNetBottleneck(
                in_channels if i == 0 else out_channels,
                planes,
                spatial_dims=2,
                stride=stride if i == 0 else 1,
                downsample=shortcut if i == 0 else None,
                act=act,
                norm=norm or "",
            )
            for i in range(blocks)
        )
    )
    for module in stage.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    if norm is None:
        for name, parameter in stage.named_parameters():
            if name.endswith("conv3.weight"):
                nn.init.zeros_(parameter)
    return stage


def pad_to_multiple(x: torch.Tensor, multiple: int) -> torch.Tensor:
    """Zero-pad (B, C, H, W) at the bottom and right so that H and W divide by ``multiple``."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple))
