"""Networks of MONAI ResNet bottlenecks: generators and critic."""

from monai_gan_recon.networks.critic import ResNetCritic
from monai_gan_recon.networks.encoder_decoder import ResNetEncoderDecoder
from monai_gan_recon.networks.ensemble import SelfEnsemble, self_ensemble
from monai_gan_recon.networks.generator import MagnitudeNetwork, ResNetGenerator, UnrolledGenerator
from monai_gan_recon.networks.weights import load_weights, trainable

__all__ = [
    "MagnitudeNetwork",
    "ResNetCritic",
    "ResNetEncoderDecoder",
    "ResNetGenerator",
    "SelfEnsemble",
    "UnrolledGenerator",
    "load_weights",
    "self_ensemble",
    "trainable",
]
