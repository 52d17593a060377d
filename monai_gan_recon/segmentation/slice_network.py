"""A 2-D network on slices of a volume, with neighbours as channels (2.5-D), alone or correcting a tissue mixture."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from monai_gan_recon.segmentation.tissue_features import MixtureScores


class SliceNetwork(nn.Module):
    """Apply a 2-D network to all slices of a volume along one axis.

    Args:
        network: (B, (2 n + 1) C, H, W) to (B, K, H, W), n neighbours on each side, C channels of each slice.
        neighbours: n, at least 0.
        axis: spatial axis along which the slices are stacked: 0, 1 or 2; 1 are coronal slices of a volume in RAS.
    """

    def __init__(self, network: nn.Module, neighbours: int = 1, axis: int = 1) -> None:
        super().__init__()
        if neighbours < 0 or axis not in (0, 1, 2):
            raise ValueError(f"neighbours must be 0 or more and axis 0, 1 or 2, got {neighbours} and {axis}")
        self.network, self.neighbours, self.axis = network, neighbours, axis

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Volumes (B, C, X, Y, Z) to logits (B, K, X, Y, Z)."""
        stack, n = x.movedim(self.axis + 2, 1), self.neighbours  # (B, N, C, H, W)
        padded = functional.pad(stack, (0, 0, 0, 0, 0, 0, n, n))
        slices = padded.unfold(1, 2 * n + 1, 1).movedim(-1, 2)  # (B, N, 2 n + 1, C, H, W)
        slices = slices.flatten(2, 3).flatten(0, 1)
        logits: torch.Tensor = self.network(slices.contiguous(memory_format=torch.channels_last))
        return logits.unflatten(0, stack.shape[:2]).movedim(1, self.axis + 2)


class MixtureCorrection(SliceNetwork):
    r"""A :class:`SliceNetwork` that corrects a tissue mixture.

    With the mixture's probabilities p and the network f,

    .. math:: \text{logits} = f(x) + \log \max(p(x), \varepsilon)

    so that a network of zeros gives the mixture's answer, and f learns in which places that is wrong.

    Args:
        network: see :class:`SliceNetwork`; of the features of
            :class:`~monai_gan_recon.segmentation.TissueFeatures` to background, CSF, GM and WM.
        neighbours: see :class:`SliceNetwork`.
        axis: see :class:`SliceNetwork`.
        least_probability: epsilon, in (0, 1): the mixture is never surer than this.
    """

    def __init__(
        self, network: nn.Module, neighbours: int = 1, axis: int = 1, least_probability: float = 0.01
    ) -> None:
        super().__init__(network, neighbours, axis)
        if not 0 < least_probability < 1:
            raise ValueError(f"least_probability must be between 0 and 1, got {least_probability}")
        self.mixture, self.least_probability = MixtureScores(), least_probability

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (B, 4, X, Y, Z) to logits (B, 4, X, Y, Z)."""
        mixture: torch.Tensor = self.mixture(x)
        return super().forward(x) + mixture.clamp_min(self.least_probability).log()
