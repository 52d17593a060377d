"""Discriminator of DAGAN: convolutions, then a dense unit on all that is left, so one image size only."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.blocks import Convolution
from torch import nn
from torch.nn import functional as F

from monai_gan_recon.networks.blocks import pad_to_multiple
from monai_gan_recon.vocabulary import MIN_SLICE_SIZE

_LEAKY = ("leakyrelu", {"negative_slope": 0.2})
_REDUCTION = 64


class DAGANCritic(nn.Module):
    """Six 4x4 convolutions of stride 2, a residual block, flatten, dense (Yang et al. 2018, fig. 2).

    It gives logits, and no sigmoid follows: for the cross-entropy of DAGAN and for the Wasserstein form alike. Images
    in [0, 1] are taken to [-1, 1] inside.

    Args:
        size: height and width of the images. The dense unit has weights for each place: no other size fits.
        width: channels of the first convolution; 64 in the source, whose sixth one has 2048.

    Raises:
        ValueError: if the size is not two numbers of at least 16.
    """

    couples_samples = True  # batch norm

    def __init__(self, size: Sequence[int], width: int = 64) -> None:
        super().__init__()
        if len(size) != 2 or min(size) < MIN_SLICE_SIZE:
            raise ValueError(
                f"DAGAN's critic: size must be height and width of at least {MIN_SLICE_SIZE}, got {tuple(size)}"
            )
        self.size = (int(size[0]), int(size[1]))
        channels = [width * 2**i for i in range(6)]
        self.down = nn.Sequential(
            *(
                _convolution(1 if i == 0 else channels[i - 1], n, 4, 2, norm="batch" if i else None)
                for i, n in enumerate(channels)
            ),
            _convolution(channels[5], width * 16, 1),
            _convolution(width * 16, width * 8, 1, act=None),
        )
        self.residual = nn.Sequential(
            _convolution(width * 8, width * 2, 1),
            _convolution(width * 2, width * 2, 3),
            _convolution(width * 2, width * 8, 3, act=None),
        )
        cells = -(-self.size[0] // _REDUCTION) * -(-self.size[1] // _REDUCTION)
        self.fc = nn.Linear(width * 8 * cells, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score images (B, 1, H, W) in [0, 1] of the one size; logits (B, 1).

        Raises:
            ValueError: if the images are of another size.
        """
        if x.ndim != 4 or tuple(x.shape[1:]) != (1, *self.size):
            height, width = self.size
            raise ValueError(
                f"DAGAN's critic was made for images (B, 1, {height}, {width}), got {tuple(x.shape)}: its dense layer "
                "knows one size only; train with crops of --size, --transpose_probability 0"
            )
        features = self.down(2 * pad_to_multiple(x, _REDUCTION) - 1)
        features = F.leaky_relu(features + self.residual(features), 0.2)
        logits: torch.Tensor = self.fc(features.flatten(1))
        return logits


def _convolution(
    inputs: int,
    outputs: int,
    kernel_size: int,
    stride: int = 1,
    norm: str | None = "batch",
    act: tuple | None = _LEAKY,
) -> Convolution:
    return Convolution(
        spatial_dims=2,
        in_channels=inputs,
        out_channels=outputs,
        strides=stride,
        kernel_size=kernel_size,
        padding=(kernel_size - 1) // 2,
        act=act,
        norm=norm,
        bias=norm is None,
    )
