"""From a batch of the data loader to what the engines work on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch


class PrepareReconstructionBatch:
    """Give MONAI's engines the network input and the reference of a batch, on the device, channels-last.

    Args:
        transpose_probability: probability that rows and columns of the whole batch change places, so that the network
            meets both phase-encoding axes though all slices of a batch have one shape. Drawn from torch's global
            generator.
    """

    def __init__(self, transpose_probability: float = 0.0) -> None:
        self.transpose_probability = transpose_probability

    def __call__(
        self,
        batchdata: Mapping[str, Any],
        device: torch.device | str | None = None,
        non_blocking: bool = False,
        **_: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (input, target), both (B, C, H, W)."""
        tensors = self.pair(batchdata)
        if self.transpose_probability > 0 and torch.rand(()).item() < self.transpose_probability:
            tensors = (tensors[0].transpose(-1, -2), tensors[1].transpose(-1, -2))
        inputs, target = (
            t.to(device, non_blocking=non_blocking, memory_format=torch.channels_last) for t in tensors
        )
        return inputs, target

    def pair(self, batchdata: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """What of a batch is the input, and what the network is to be told; before either is moved or transposed."""
        return batchdata["input"], batchdata["target"]
