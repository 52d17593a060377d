"""The systems that ours is compared with, one file a system or family."""

from monai_gan_recon.networks.baselines.classical import CGSense, L1Wavelet, SupportCG, TotalVariation
from monai_gan_recon.networks.baselines.compressed_sensing import CompressedSensing
from monai_gan_recon.networks.baselines.dagan import DAGANGenerator, halvings
from monai_gan_recon.networks.baselines.dagan_critic import DAGANCritic
from monai_gan_recon.networks.baselines.monai_networks import MonaiComplexUNet, MonaiVarNet
from monai_gan_recon.networks.baselines.unet import CorrectedUNet, UNet
from monai_gan_recon.networks.baselines.zero_filled import HermitianZeroFilled, ZeroFilled

__all__ = [
    "CGSense",
    "CompressedSensing",
    "CorrectedUNet",
    "DAGANCritic",
    "DAGANGenerator",
    "HermitianZeroFilled",
    "L1Wavelet",
    "MonaiComplexUNet",
    "MonaiVarNet",
    "SupportCG",
    "TotalVariation",
    "UNet",
    "ZeroFilled",
    "halvings",
]
