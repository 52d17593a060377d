"""Networks of MONAI ResNet bottlenecks: generators and critic; and those they are compared with."""

from monai_gan_recon.networks.critic import ResNetCritic
from monai_gan_recon.networks.encoder_decoder import ResNetEncoderDecoder
from monai_gan_recon.networks.generator import MagnitudeNetwork, ResNetGenerator, UnrolledGenerator
from monai_gan_recon.networks.weights import load_weights, trainable

from monai_gan_recon.networks import baselines  # isort: skip - needs the modules above

__all__ = [
    "MagnitudeNetwork",
    "ResNetCritic",
    "ResNetEncoderDecoder",
    "ResNetGenerator",
    "UnrolledGenerator",
    "baselines",
    "load_weights",
    "trainable",
]
