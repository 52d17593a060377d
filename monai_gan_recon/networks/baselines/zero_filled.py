"""The two reconstructions that need neither training nor iteration."""

from __future__ import annotations

import torch
from torch import nn

from monai_gan_recon.kspace import fft2c, from_channels, hermitian_completion, ifft2c, to_channels
from monai_gan_recon.networks.baselines.contract import ComplexReconstruction, check_input


class ZeroFilled(nn.Module):
    """The zero-filled magnitude as it is: unmeasured samples are taken to be zero."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input, zero-filled magnitude (B, 1, H, W), as float32."""
        check_input(x, 1, "ZeroFilled")
        return x.float()


class HermitianZeroFilled(ComplexReconstruction):
    """Zero-filled, after each measured sample has given its mirror by conjugate symmetry.

    Right for real objects only, so for the replica track; of an object with phase the filled samples are wrong. Input
    that is completed already stays as it is.
    """

    def complex_estimate(self, x: torch.Tensor) -> torch.Tensor:
        """Complete (B, 3, H, W): zero-filled real and imaginary part, sampling weight; gives (B, 2, H, W)."""
        kspace = fft2c(from_channels(x[:, :2].float()))
        completed, _ = hermitian_completion(kspace, x[:, 2])
        return to_channels(ifft2c(completed))
