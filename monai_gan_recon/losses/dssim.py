"""Structural dissimilarity of two images."""

from __future__ import annotations

import torch
from monai.losses.ssim_loss import SSIMLoss
from torch import Tensor, nn

from monai_gan_recon.losses._inputs import check_pair

WINDOW = 11
"""Side of the window in pixels."""


class DSSIMLoss(nn.Module):
    """(1 − SSIM) / 2, between 0 (identical) and 1, averaged over the batch.

    SSIM is MONAI's with its defaults, the same as in our metrics: Gaussian window of 11 pixels, σ 1.5, data
    range 1. It is computed in float32, outside any autocast.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ssim_loss = SSIMLoss(spatial_dims=2, data_range=1.0, win_size=WINDOW)

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare reconstructions (B, C, H, W) with references of one shape, in [0, 1]; a scalar.

        Raises:
            ValueError: shapes differ, are not (B, C, H, W), or the image is smaller than the window.
        """
        pred, target = check_pair(pred, target, "DSSIM loss")
        if pred.ndim != 4 or min(pred.shape[2:]) < WINDOW:
            raise ValueError(
                f"DSSIM loss: expected images (B, C, H, W) of at least {WINDOW}x{WINDOW}, "
                f"got {tuple(pred.shape)}"
            )
        with torch.autocast(pred.device.type, enabled=False):
            return self.ssim_loss(pred, target) / 2
