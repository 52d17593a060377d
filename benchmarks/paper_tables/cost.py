"""What a network costs: parameters and floating-point operations of a slice."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from monai_gan_recon.networks.estimate import estimate


def parameters(network: nn.Module) -> int:
    """Number of trained parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def gflop_per_slice(network: nn.Module, channels: int, size: Sequence[int]) -> float | None:
    """Floating-point operations of one slice in 10^9, two for each multiply-add.

    Counted by ``torch.utils.flop_counter``: convolutions and matrix products, not Fourier transforms, norms and
    activations.

    Args:
        network: the network, on any device.
        channels: of its input.
        size: (H, W).

    Returns:
        The number; None where nothing is counted (systems without a network).
    """
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        estimate(network.eval(), example(channels, size).to(_device(network)))
    total = counter.get_total_flops()
    return round(total / 1e9, 4) if total else None


def example(channels: int, size: Sequence[int]) -> torch.Tensor:
    """A random slice (1, channels, H, W) whose sampling weights are 0 or 1."""
    x = torch.rand(1, channels, *size, generator=torch.Generator().manual_seed(0))
    if channels == 3:
        x[:, 2:] = (x[:, 2:, :1] < 0.3).float().expand_as(x[:, 2:])
    return x


def _device(network: nn.Module) -> torch.device:
    return next((p.device for p in network.parameters()), torch.device("cpu"))
