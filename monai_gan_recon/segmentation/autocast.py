"""Precision and memory layout of the segmentation networks."""

from __future__ import annotations

from typing import Any

import torch
from monai.inferers import Inferer, SimpleInferer
from torch import nn

from monai_gan_recon.engines.precision import resolve_amp


class AutocastInferer(Inferer):
    """An inferer of MONAI in bfloat16 autocast where asked for; the result is float32.

    Args:
        inferer: feeds the image to the network; None: MONAI's ``SimpleInferer``.
        amp: true, false or "auto": on a GPU where it pays, and never on a CPU. There the gradients of a 3-D convolution
            of 8 channels and 2 x 2 x 2 voxels are NaN in bfloat16 (torch 2.13, channels-last, AVX-512 BF16).
        device: device that the network is on.
    """

    def __init__(
        self, inferer: Inferer | None = None, amp: bool | str = "auto", device: torch.device | str = "cpu"
    ) -> None:
        super().__init__()
        self.inferer = inferer or SimpleInferer()
        self.device_type = torch.device(device).type
        self.bf16 = resolve_amp(False if amp == "auto" and self.device_type == "cpu" else amp, device)

    def __call__(self, inputs: torch.Tensor, network: nn.Module, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Image (B, C, X, Y, Z) to the network's output, float32."""
        with torch.autocast(self.device_type, torch.bfloat16, enabled=self.bf16):
            output: torch.Tensor = self.inferer(inputs, network, *args, **kwargs)
        return output.float()


def on_device(network: nn.Module, device: torch.device | str) -> nn.Module:
    """The network on a device, its weights channels-last, which convolutions with few channels are fastest in."""
    if any(p.ndim == 5 for p in network.parameters()):
        return network.to(torch.device(device), memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return network.to(torch.device(device), memory_format=torch.channels_last)  # type: ignore[call-overload]
