"""The two reconstructions that need neither training nor iteration."""

from __future__ import annotations

import torch
from torch import nn

from monai_gan_recon.measurement import KData, fft2c, from_channels, hermitian_completion, to_channels, unpack


class ZeroFilled(nn.Module):
    """The zero-filled image as it is: unmeasured samples are taken to be zero."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Network input (B, 4 + 2 C, H, W) to its first two channels, as float32."""
        return unpack(x).adjoint


class HermitianZeroFilled(nn.Module):
    """Zero-filled, after each measured sample has given its mirror by conjugate symmetry.

    Right for real objects only, so for the replica track; of an object with phase the filled samples are wrong. Input
    that is completed already stays as it is.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Complete network input of one coil (B, 4, H, W); gives real and imaginary part (B, 2, H, W)."""
        data = unpack(x)
        kspace = fft2c(from_channels(data.adjoint))[:, None]
        return to_channels(hermitian_completion(KData(kspace, data.mask != 0, data.maps)).adjoint())
