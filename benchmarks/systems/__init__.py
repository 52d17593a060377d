"""The systems that ours is compared with, one file a system or family; ``configs/`` has their settings."""

from benchmarks.systems.classical import CGSense, L1Wavelet, SupportCG, TotalVariation
from benchmarks.systems.compressed_sensing import CompressedSensing
from benchmarks.systems.dagan import DAGANGenerator, halvings
from benchmarks.systems.dagan_critic import DAGANCritic
from benchmarks.systems.monai_networks import MonaiComplexUNet, MonaiVarNet
from benchmarks.systems.perceptual import DAGANLoss, VGG16Loss
from benchmarks.systems.unet import CorrectedUNet, UNet
from benchmarks.systems.zero_filled import HermitianZeroFilled, ZeroFilled

__all__ = [
    "CGSense",
    "CompressedSensing",
    "CorrectedUNet",
    "DAGANCritic",
    "DAGANGenerator",
    "DAGANLoss",
    "HermitianZeroFilled",
    "L1Wavelet",
    "MonaiComplexUNet",
    "MonaiVarNet",
    "SupportCG",
    "TotalVariation",
    "UNet",
    "VGG16Loss",
    "ZeroFilled",
    "halvings",
]
