"""What the critic gets to see of references and reconstructions."""

from __future__ import annotations

from typing import Protocol

import torch

from monai_gan_recon.measurement import magnitude, measure_again


class CriticView(Protocol):
    """Both sides of what the critic compares; what they return has one shape."""

    def real(self, target: torch.Tensor) -> torch.Tensor:
        """Images to call real, from the batch's references."""

    def fake(self, image: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Images to call generated, from the generator's output; differentiable in it."""


class MagnitudeView:
    """The usual GAN: magnitudes of references and reconstructions."""

    def real(self, target: torch.Tensor) -> torch.Tensor:
        """Magnitudes (B, 1, H, W) of references (B, 2, H, W)."""
        return magnitude(target)

    def fake(self, image: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Magnitudes (B, 1, H, W) of reconstructions (B, 2, H, W)."""
        return magnitude(image)


class MeasuredView:
    """The unsupervised GAN of Cole et al. (arXiv:2008.13065): the critic compares measurements, never full images.

    Real are the zero-filled images of the batch. Generated are the zero-filled images of the reconstructions, measured
    again through the mask of another slice of the batch: the same masks on both sides, none on its own slice's
    reconstruction, whose measured samples are right by data consistency.
    """

    def real(self, target: torch.Tensor) -> torch.Tensor:
        """Zero-filled real and imaginary part (B, 2, H, W) of measurements (B, 4, H, W)."""
        return target[:, :2]

    def fake(self, image: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Complex reconstructions (B, 2, H, W), measured again: zero-filled images (B, 2, H, W).

        Raises:
            ValueError: for a batch of one, which has no other slice's mask.
        """
        if len(image) < 2:
            raise ValueError("the unsupervised GAN needs --batch_size 2 or more: masks of other slices")
        return measure_again(image, target.roll(1, dims=0))
