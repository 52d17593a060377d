"""A ResNet without its classifier, then upsampling with skips: image to image, any size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.layers.utils import get_norm_layer
from torch import nn

from monai_gan_recon.checks import check_counts
from monai_gan_recon.networks.blocks import EXPANSION, bottleneck_stage, pad_to_multiple

RESNET50_LAYERS = (3, 4, 6, 3)


MOST_WIDTH, MOST_BLOCKS, MOST_STAGES = 1024, 256, 8
"""Far beyond ResNet-152, which has a width of 64 and 36 blocks in a stage."""


def check_layers(layers: Sequence[int]) -> tuple[int, ...]:
    """Numbers of blocks of the stages of a ResNet.

    Raises:
        ValueError: if it is no list of 1 to 8 counts.
    """
    blocks = tuple(layers) if isinstance(layers, (list, tuple)) else ()
    if not 1 <= len(blocks) <= MOST_STAGES:
        raise ValueError(f"layers must be 1 to {MOST_STAGES} numbers of blocks, such as [3, 4, 6, 3], not {layers!r}")
    for count in blocks:
        check_counts(most=MOST_BLOCKS, layers=count)
    return blocks


class ResNetEncoderDecoder(nn.Module):
    """ResNet encoder and sub-pixel decoder; the last layer starts at zero.

    Two stems:

    * "imagenet": the stem of ResNet-50, a 7x7 convolution of stride 2, then max-pooling, so that the first stage
      works at a quarter of the resolution. Two skips lead from before it to the output.
    * "pixel_unshuffle": 2x2 pixels become channels, without loss; the first stage works at half the resolution.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        layers: bottlenecks of each stage; ResNet-50 has (3, 4, 6, 3).
        width: planes of the first stage, doubled with each further one; ResNet-50 has 64.
        decoder_blocks: bottlenecks of each decoder stage.
        stem: "imagenet" or "pixel_unshuffle".
        norm: MONAI norm layer such as "batch" or "instance", or None.

    Raises:
        ValueError: for an unknown stem, or numbers that no network has.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        layers: Sequence[int] = RESNET50_LAYERS,
        width: int = 64,
        decoder_blocks: int = 1,
        stem: str = "imagenet",
        norm: str | tuple | None = None,
    ) -> None:
        super().__init__()
        layers = check_layers(layers)
        check_counts(width=width, most=MOST_WIDTH)
        check_counts(decoder_blocks=decoder_blocks, most=MOST_BLOCKS)
        planes = [width * 2**i for i in range(len(layers))]
        channels = [p * EXPANSION for p in planes]
        if stem == "imagenet":
            self.stem = nn.Sequential(
                nn.Conv2d(in_channels, width, kernel_size=7, stride=2, padding=3, bias=norm is None),
                get_norm_layer(norm or "", spatial_dims=2, channels=width),
                nn.ReLU(inplace=True),
            )
            self.pool: nn.Module = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
            stem_channels = width
        elif stem == "pixel_unshuffle":
            self.stem = nn.Sequential(
                nn.PixelUnshuffle(2),
                nn.Conv2d(4 * in_channels, channels[0], kernel_size=3, padding=1),
                nn.ReLU(),
            )
            self.pool = nn.Identity()
            stem_channels = channels[0]
        else:
            raise ValueError(f"unknown stem {stem!r}: choose 'imagenet' or 'pixel_unshuffle'")
        self.multiple = 2 ** (len(layers) + (stem == "imagenet"))

        self.encoder = nn.ModuleList()
        for i, (blocks, p) in enumerate(zip(layers, planes, strict=True)):
            inputs = stem_channels if i == 0 else channels[i - 1]
            self.encoder.append(bottleneck_stage(inputs, p, blocks, stride=1 if i == 0 else 2, norm=norm))

        self.upsample = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for i in reversed(range(len(layers) - 1)):
            self.upsample.append(_subpixel(channels[i + 1], channels[i]))
            self.decoder.append(bottleneck_stage(channels[i], planes[i], decoder_blocks, norm=norm))
        self.to_half = _subpixel(channels[0], stem_channels) if stem == "imagenet" else nn.Identity()
        head = nn.Conv2d(stem_channels, 4 * out_channels, kernel_size=3, padding=1)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)  # type: ignore[arg-type]
        self.head = nn.Sequential(head, nn.PixelShuffle(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H, W); H and W are padded inside and cropped back."""
        height, width = x.shape[-2:]
        half = self.stem(pad_to_multiple(x, self.multiple))
        x = self.pool(half)
        skips = []
        for stage in self.encoder:
            x = stage(x)
            skips.append(x)
        skips.pop()
        for upsample, stage in zip(self.upsample, self.decoder):  # noqa: B905 - TorchScript knows no strict
            x = stage(upsample(x) + skips.pop())
        x = self.to_half(x) + half
        out: torch.Tensor = self.head(x)
        return out[..., :height, :width]


def _subpixel(in_channels: int, out_channels: int) -> nn.Sequential:
    """Double the resolution: 1x1 convolution, then pixel shuffle (torch's, which keeps channels-last memory)."""
    return nn.Sequential(nn.Conv2d(in_channels, 4 * out_channels, kernel_size=1), nn.PixelShuffle(2))
