"""What every compared system keeps to: the network contract of the reconstruction bundle."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import nn

from monai_gan_recon.kspace import from_channels
from monai_gan_recon.vocabulary import MIN_SLICE_SIZE


def check_input(x: torch.Tensor, channels: int, name: str) -> None:
    """Check that a network's input is (B, channels, H, W) with H and W at least 16.

    Raises:
        ValueError: with the network's name and what it got.
    """
    if x.ndim != 4 or x.shape[1] != channels or min(x.shape[-2:]) < MIN_SLICE_SIZE:
        raise ValueError(
            f"{name} takes (B, {channels}, H, W) with H and W at least {MIN_SLICE_SIZE}, got {tuple(x.shape)}"
        )


class ComplexReconstruction(nn.Module, ABC):
    """A network of three input channels that reconstructs complex images; ``forward`` is their magnitude."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Reconstruct magnitude images.

        Args:
            x: zero-filled real and imaginary part, weight of each k-space sample, shape (B, 3, H, W).

        Returns:
            Magnitude in the input's scale, shape (B, 1, H, W), float32.
        """
        check_input(x, 3, type(self).__name__)
        return from_channels(self.complex_estimate(x)).abs()[:, None]

    @abstractmethod
    def complex_estimate(self, x: torch.Tensor) -> torch.Tensor:
        """Real and imaginary part of the reconstruction, shape (B, 2, H, W), float32, of the same input."""
