"""What the critic gets to see of references and reconstructions."""

from __future__ import annotations

from typing import Protocol

import torch
from monai.inferers import Inferer
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from monai_gan_recon.kspace import measure_again
from monai_gan_recon.networks.estimate import ComplexEstimator


class CriticView(Protocol):
    """Both sides of what the critic compares; what they return has one shape."""

    def real(self, target: torch.Tensor) -> torch.Tensor:
        """Images to call real, from the batch's references."""

    def fake(self, image: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Images to call generated, from the generator's output; differentiable in it."""


class PlainView:
    """The usual GAN: references and reconstructions as they are."""

    def real(self, target: torch.Tensor) -> torch.Tensor:
        """The references themselves."""
        return target

    def fake(self, image: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The reconstructions themselves."""
        return image


class MeasuredView:
    """The unsupervised GAN of Cole et al. (arXiv:2008.13065): the critic compares measurements, never full images.

    Real are the zero-filled images of the batch. Generated are the zero-filled images of the reconstructions, measured
    again through the mask of another slice of the batch: the same masks on both sides, none on its own slice's
    reconstruction, whose measured samples are right by data consistency.
    """

    def real(self, target: torch.Tensor) -> torch.Tensor:
        """Zero-filled real and imaginary part (B, 2, H, W) of measurements (B, 3, H, W)."""
        return target[:, :2]

    def fake(self, image: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Complex reconstructions (B, 2, H, W), measured again: zero-filled images (B, 2, H, W).

        Raises:
            ValueError: for a batch of one, which has no other slice's mask.
        """
        if len(image) < 2:
            raise ValueError("the unsupervised GAN needs --batch_size 2 or more: masks of other slices")
        return measure_again(image, target[:, 2:].roll(1, dims=0))


class ComplexInferer(Inferer):
    """MONAI inferer that asks the generator for its complex estimate (B, 2, H, W) instead of its magnitude."""

    def __call__(self, inputs: torch.Tensor, network: nn.Module) -> torch.Tensor:
        """Reconstruct (B, 3, H, W).

        Raises:
            ValueError: in a training of several processes, which average gradients of ``forward`` alone; for a
                network without complex estimate.
        """
        if isinstance(network, DistributedDataParallel):
            raise ValueError("training on complex images runs in one process: leave multi_gpu_train.yaml out")
        if not isinstance(network, ComplexEstimator):
            raise ValueError(
                f"{type(network).__name__} has no complex estimate, which training on complex images needs"
            )
        return network.complex_estimate(inputs)
