"""Generator of DAGAN: a U-Net of stride-2 convolutions that refines its input."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.blocks import Convolution
from torch import nn

from monai_gan_recon.networks.blocks import pad_to_multiple

MAX_LEVELS = 8
_LEAKY = ("leakyrelu", {"negative_slope": 0.2})
_DECODER_WIDTHS = (1, 1, 2, 4, 16, 16, 16)


class DAGANGenerator(nn.Module):
    """U-Net with refinement, ``clip(x + tanh(U(x)), -1, 1)`` (Yang et al., IEEE TMI 37(6), 2018, fig. 2).

    4x4 convolutions of stride 2 down, transposed ones up, skips by concatenation, batch norm in all but the first and
    the innermost convolution, leaky ReLU (0.2) down and ReLU up. DAGAN works in [-1, 1]; the conversion from and to
    the [0, 1] of our images is inside.

    Args:
        levels: number of halvings, 1 to 8. The source's 8 take 256x256 to a single pixel; see :func:`halvings` for
            smaller images. Other sizes are padded inside to a multiple of ``2 ** levels``.
        width: channels of the first convolution; 64 in the source, whose innermost ones have 512.

    Raises:
        ValueError: if there are more or fewer levels, or no channel.
    """

    def __init__(self, levels: int = MAX_LEVELS, width: int = 64) -> None:
        super().__init__()
        if not 1 <= levels <= MAX_LEVELS or width < 1:
            raise ValueError(f"DAGAN: levels must be 1 to {MAX_LEVELS} and width above 0, got {levels}, {width}")
        self.levels = levels
        down = [width * min(2**i, 8) for i in range(levels)]
        up = [width * factor for factor in _DECODER_WIDTHS[: levels - 1]] + [down[-1]]
        self.encoder = nn.ModuleList(
            _convolution(1 if i == 0 else down[i - 1], down[i], _LEAKY, "batch" if 0 < i < levels - 1 else None)
            for i in range(levels)
        )
        self.decoder = nn.ModuleList(
            _convolution(down[i] + (up[i + 1] if i < levels - 1 else 0), up[i], "relu", "batch", transposed=True)
            for i in range(levels)
        )
        self.head = nn.Conv2d(up[0], 1, kernel_size=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.trunc_normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Refine zero-filled magnitude (B, 1, H, W) in [0, 1], H and W at least 16; same shape, in [0, 1], float32."""
        height, width = x.shape[-2:]
        signed = 2 * pad_to_multiple(x.float(), 2**self.levels) - 1
        skips = []
        features = signed
        for convolution in self.encoder:
            features = convolution(features)
            skips.append(features)
        features = skips.pop()
        for i in reversed(range(self.levels)):
            features = self.decoder[i](features)
            if skips:
                features = torch.cat((features, skips.pop()), dim=1)
        refined = (signed + torch.tanh(self.head(features).float())).clamp(-1, 1)
        return ((refined + 1) / 2)[..., :height, :width]


def halvings(size: Sequence[int] | None) -> int:
    """How often both sides of an image can be halved to whole pixels or more, at most 8: DAGAN's levels for this size.

    The source has 8 levels and images of 256x256. 64x128 has 6 halvings: two more would need padding to 256x256, eight
    times the pixels, for features of nothing but padding. So the innermost levels are left out.

    Args:
        size: (H, W); None, whole slices of unknown size: 8.
    """
    return MAX_LEVELS if size is None else max(1, min(MAX_LEVELS, *(int(n).bit_length() - 1 for n in size)))


def _convolution(
    inputs: int, outputs: int, act: str | tuple, norm: str | None, transposed: bool = False
) -> Convolution:
    """4x4 convolution that halves (or doubles) the size, norm, activation."""
    return Convolution(
        spatial_dims=2,
        in_channels=inputs,
        out_channels=outputs,
        strides=2,
        kernel_size=4,
        padding=1,
        output_padding=0 if transposed else None,
        is_transposed=transposed,
        act=act,
        norm=norm,
        bias=norm is None,
    )
