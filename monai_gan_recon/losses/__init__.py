"""Losses: adversarial (Wasserstein, cross-entropy), image (NRMSE, DSSIM, relative error) and frequency."""

from monai_gan_recon.losses.adversarial import (
    AdversarialLoss,
    BCEAdversarialLoss,
    WassersteinLoss,
    clip_weights,
    gradient_penalty,
)
from monai_gan_recon.losses.images import FREQUENCY_MODES, DSSIMLoss, FrequencyLoss, NRMSELoss, RelativeErrorLoss
from monai_gan_recon.losses.reconstruction import MeasuredLoss, ReconstructionLoss

__all__ = [
    "FREQUENCY_MODES",
    "AdversarialLoss",
    "BCEAdversarialLoss",
    "DSSIMLoss",
    "FrequencyLoss",
    "MeasuredLoss",
    "NRMSELoss",
    "ReconstructionLoss",
    "RelativeErrorLoss",
    "WassersteinLoss",
    "clip_weights",
    "gradient_penalty",
]
