"""Batches for training without references: nothing but measurements goes to the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from monai_gan_recon.engines.batch import PrepareReconstructionBatch
from monai_gan_recon.measurement import hold_out


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
