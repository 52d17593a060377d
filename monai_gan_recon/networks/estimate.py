"""What a reconstruction network is asked for: its complex estimate where it has one, else its magnitude."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import nn


@runtime_checkable
class ComplexEstimator(Protocol):
    """A network that reconstructs with phase."""

    def complex_estimate(self, x: torch.Tensor) -> torch.Tensor:
        """Real and imaginary part (B, 2, H, W) of inputs (B, 3, H, W)."""


def estimate(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Reconstruct by the network contract.

    Args:
        network: the network.
        x: its input, (B, 3, H, W) or (B, 1, H, W).

    Returns:
        Real and imaginary part (B, 2, H, W), of inputs of three channels by a network that reconstructs with phase;
        else the magnitude (B, 1, H, W).
    """
    if x.shape[1] == 3 and isinstance(network, ComplexEstimator):
        return network.complex_estimate(x)
    magnitude: torch.Tensor = network(x)
    return magnitude
