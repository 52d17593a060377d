"""Geometric self-ensemble: the mean of what a network makes of mirrored and transposed views of a measurement."""

from __future__ import annotations

import torch
from torch import nn

VIEWS = (1, 2, 4, 8)


class SelfEnsemble(nn.Module):
    """Reconstruct several views of each slice and average them, turned back (EDSR+; Lim et al., CVPR Workshops 2017).

    The object could as well have lain mirrored in the scanner, and its axes been exchanged: image, mask and maps are
    mirrored about the zero frequency, ``n // 2``, or transposed. The errors of the views are partly independent. Since
    each view explains the measured samples, their mean does, too. It takes as many times as long as there are views.

    Args:
        network: maps network inputs, see :func:`monai_gan_recon.measurement.pack`, to complex images (B, 2, H, W).
        views: 2: mirrored left to right, too; 4: and top to bottom, and both; 8: all these transposed, too.

    Raises:
        ValueError: for another number.

    Example:
        >>> import torch
        >>> SelfEnsemble(torch.nn.Identity(), 8)(torch.rand(1, 4, 16, 20)).shape
        torch.Size([1, 4, 16, 20])
    """

    def __init__(self, network: nn.Module, views: int) -> None:
        super().__init__()
        if isinstance(views, bool) or views not in VIEWS:
            raise ValueError(f"self_ensemble must be one of {', '.join(map(str, VIEWS))}, not {views!r}")
        self.network, self.views = network, views

    def extra_repr(self) -> str:
        """The number of views."""
        return f"views={self.views}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Network inputs (B, 4 + 2 C, H, W) to the mean of the images (B, 2, H, W)."""
        total = self.network(x)
        for view in range(1, self.views):
            total = total + _turned_back(self.network(_turned(x, view)), view)
        return total / self.views


def self_ensemble(network: nn.Module, views: int = 1) -> nn.Module:
    """The network itself, or a :class:`SelfEnsemble` of it where there is more than one view."""
    ensemble = SelfEnsemble(network, views)
    return network if views == 1 else ensemble


def _turned(x: torch.Tensor, view: int) -> torch.Tensor:
    if view & 4:
        x = x.transpose(-1, -2)
    return _mirrored(x, view).contiguous()


def _turned_back(x: torch.Tensor, view: int) -> torch.Tensor:
    x = _mirrored(x, view)
    return x.transpose(-1, -2) if view & 4 else x


def _mirrored(x: torch.Tensor, view: int) -> torch.Tensor:
    """Position or frequency ``n // 2 + k`` to ``n // 2 - k``, along the last axis, the one before it, or both."""
    for axis in [axis for bit, axis in ((1, -1), (2, -2)) if view & bit]:
        x = x.flip(axis)
        if x.shape[axis] % 2 == 0:
            x = x.roll(1, axis)
    return x
