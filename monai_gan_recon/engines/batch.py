"""From a batch to what the engines work on, with references or without, and to what the critic gets to see of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from monai_gan_recon.checks import check_fractions
from monai_gan_recon.measurement import hold_out, magnitude, measure_again


class PrepareReconstructionBatch:
    """Give MONAI's engines the network input and the reference of a batch, on the device, channels-last.

    Args:
        transpose_probability: probability that rows and columns of the whole batch change places, so that the network
            meets both phase-encoding axes though all slices of a batch have one shape. Drawn from torch's global
            generator.
    """

    def __init__(self, transpose_probability: float = 0.0) -> None:
        check_fractions(transpose_probability=transpose_probability)
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
        inputs, target = (t.to(device, non_blocking=non_blocking, memory_format=torch.channels_last) for t in tensors)
        return inputs, target

    def pair(self, batchdata: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """What of a batch is the input, and what the network is to be told; before either is moved or transposed."""
        return batchdata["input"], batchdata["target"]


class PrepareMeasuredBatch(PrepareReconstructionBatch):
    """Give the trainer a part of the measured samples as input, and all of them in the place of the reference.

    Only ``input`` of the batch is read: were there a reference in it, it would not get past this point.

    Args:
        held_out: part of the measured samples that the network does not get, in [0, 1), see
            :func:`monai_gan_recon.measurement.hold_out`.
        transpose_probability: probability that rows and columns of the whole batch change places.
    """

    def __init__(self, held_out: float = 0.4, transpose_probability: float = 0.0) -> None:
        super().__init__(transpose_probability)
        self.held_out = held_out

    def pair(self, batchdata: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """What the network gets, and all that was measured, both network input (B, 4, H, W)."""
        measured: torch.Tensor = batchdata["input"]
        return hold_out(measured, self.held_out), measured


class MagnitudeView:
    """What the critic compares in the usual GAN: magnitudes (B, 1, H, W) of references and reconstructions."""

    def real(self, target: torch.Tensor) -> torch.Tensor:
        """Images to call real, from references (B, 2, H, W)."""
        return magnitude(target)

    def fake(self, image: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Images to call generated, from reconstructions (B, 2, H, W); differentiable in them."""
        return magnitude(image)


class MeasuredView(MagnitudeView):
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
