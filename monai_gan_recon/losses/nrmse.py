"""Normalised root-mean-square error, the image loss of the GAN-ResNet50 paper."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_gan_recon.losses._inputs import check_pair


class NRMSELoss(nn.Module):
    """‖y − G(x)‖₂ / ‖y‖₂ per sample, averaged over the batch.

    Eq. 7 of "GAN-ResNet50" (IJACSA 15(1), 2024), which calls it NMSE. It is a root; the metric ``nmse`` is
    its square. The gradient is zero where the images are identical, never NaN.

    Args:
        floor: smallest root-mean-square of the target that is divided by, in units of the intensity range.
            Eq. 7 holds exactly for every target above it; for an empty slice the loss is finite, RMSE /
            floor.

    Raises:
        ValueError: ``floor`` is not positive.
    """

    def __init__(self, floor: float = 0.01) -> None:
        super().__init__()
        if not floor > 0:
            raise ValueError(f"NRMSE loss: floor must be positive, got {floor}")
        self.floor = floor

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare reconstructions (B, C, ...) with references of the same shape, in [0, 1]; a scalar ≥ 0."""
        pred, target = check_pair(pred, target, "NRMSE loss")
        error = torch.linalg.vector_norm((pred - target).flatten(1), dim=1)
        scale = torch.linalg.vector_norm(target.flatten(1), dim=1)
        return (error / scale.clamp_min(self.floor * target[0].numel() ** 0.5)).mean()
