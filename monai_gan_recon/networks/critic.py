"""ResNet-50 critic with global average pooling: one logit for an image of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.networks.layers.utils import get_act_layer, get_norm_layer
from monai.networks.nets.resnet import ResNetBottleneck
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from monai_gan_recon.checks import check_counts
from monai_gan_recon.networks.blocks import EXPANSION, bottleneck_stage
from monai_gan_recon.networks.encoder_decoder import MOST_WIDTH, check_layers
from monai_gan_recon.vocabulary import MIN_SLICE_SIZE

_REDUCTION = 32  # the stem halves the image twice, the stages 2 to 4 once each


class ResNetCritic(nn.Module):
    """ResNet trunk of MONAI bottleneck blocks → global average pooling → one dense unit.

    The discriminator of "GAN-ResNet50" (IJACSA 15(1), 2024) and the critic of its Wasserstein form: it
    returns logits, and no sigmoid follows. Images come in the scale of the generator's output: Min-Max,
    [0, 1].

    Modules carry the names of MONAI's ``ResNet``, so that its state dict fits with ``norm="batch"``. Without
    a norm each convolution gets a bias instead: the blocks have none, and a network without biases is
    positively homogeneous, D(2x) = 2 D(x), and could judge little but brightness.

    Weights start from He's initialisation (fan-in); the last convolution of each block is scaled by
    1/√(number of blocks), so that without a norm the residual sum grows by at most a factor e in variance
    over the whole depth.

    Args:
        in_channels: image channels; 2 for a critic that also sees the zero-filled image.
        layers: number of blocks in each of the four stages; (3, 4, 6, 3) is ResNet-50.
        width: planes of the first stage; the trunk ends in ``32 * width`` channels.
        norm: MONAI's norm name or (name, arguments), or None for no norm. Batch norm couples the samples of
            a batch, which a gradient penalty does not allow; ("group", {"num_groups": 8}) does not.
        act: MONAI's activation name or (name, arguments).

    Raises:
        ValueError: ``layers`` is not four positive numbers, or ``width`` or ``in_channels`` is below 1.
    """

    def __init__(
        self,
        in_channels: int = 1,
        layers: Sequence[int] = (3, 4, 6, 3),
        width: int = 64,
        norm: str | tuple[str, dict[str, Any]] | None = None,
        act: str | tuple[str, dict[str, Any]] = ("leakyrelu", {"negative_slope": 0.2}),
    ) -> None:
        super().__init__()
        if len(layers := check_layers(layers)) != 4:
            raise ValueError(f"critic: layers must be four positive numbers of blocks, got {layers}")
        check_counts(most=MOST_WIDTH, width=width, in_channels=in_channels)
        self.in_channels = in_channels
        self._norm = norm
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = get_norm_layer(norm or "", spatial_dims=2, channels=width)
        self.act = get_act_layer(act)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        channels = [width] + [width * 2**i * EXPANSION for i in range(4)]
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            bottleneck_stage(channels[i], width * 2**i, layers[i], 1 if i == 0 else 2, norm, act) for i in range(4)
        )
        self.fc = nn.Linear(channels[4], 1)
        self._initialise(n_blocks=sum(layers))

    @property
    def couples_samples(self) -> bool:
        """True if a sample's logit depends on the others of its batch: unfit for a gradient penalty."""
        return any(isinstance(module, _BatchNorm) for module in self.modules())

    def forward(self, x: Tensor) -> Tensor:
        """Score images.

        Args:
            x: images (B, in_channels, H, W) in [0, 1], H and W at least 16, odd ones too.

        Returns:
            Logits (B, 1); higher is more real.

        Raises:
            ValueError: wrong number of axes or channels, an image below 16×16, or one so small that the norm
                would have a single value to normalise.
        """
        self._check(x)
        x = self.maxpool(self.act(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean(dim=(2, 3)))

    def _initialise(self, n_blocks: int) -> None:
        slope = float(getattr(self.act, "negative_slope", 0.0))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=slope, mode="fan_in", nonlinearity="leaky_relu")
                if not self._norm:
                    module.register_parameter("bias", nn.Parameter(torch.zeros(module.out_channels)))
        for module in self.modules():
            if isinstance(module, ResNetBottleneck):
                nn.init.normal_(module.conv3.weight, std=(module.conv3.in_channels * n_blocks) ** -0.5)
        nn.init.normal_(self.fc.weight, std=self.fc.in_features**-0.5)
        nn.init.zeros_(self.fc.bias)

    def _check(self, x: Tensor) -> None:
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise ValueError(f"critic: expected images (B, {self.in_channels}, H, W), got shape {tuple(x.shape)}")
        height, width = x.shape[2:]
        if min(height, width) < MIN_SLICE_SIZE:
            raise ValueError(
                f"critic: images must be at least {MIN_SLICE_SIZE}x{MIN_SLICE_SIZE}, got {height}x{width}; pad them"
            )
        if not self._norm or max(height, width) > _REDUCTION:
            return
        instance = any(isinstance(module, _InstanceNorm) for module in self.modules())
        single = self.couples_samples and self.training and len(x) == 1
        if instance or single:
            what = "instance norm" if instance else "batch norm with a batch of one"
            raise ValueError(
                f"critic: {what} needs images above {_REDUCTION} pixels, got {height}x{width}; "
                "pad them, or use group norm or None"
            )
