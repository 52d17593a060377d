"""Losses: adversarial (Wasserstein, cross-entropy), image (NRMSE, DSSIM, relative error) and frequency."""

from monai_gan_recon.losses.adversarial import AdversarialLoss, BCEAdversarialLoss
from monai_gan_recon.losses.dssim import DSSIMLoss
from monai_gan_recon.losses.frequency import FREQUENCY_MODES, FrequencyLoss
from monai_gan_recon.losses.measured import MeasuredLoss
from monai_gan_recon.losses.nrmse import NRMSELoss
from monai_gan_recon.losses.reconstruction import ReconstructionLoss
from monai_gan_recon.losses.relative import RelativeErrorLoss
from monai_gan_recon.losses.wasserstein import WassersteinLoss, clip_weights, gradient_penalty

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
