"""Networks of MONAI ResNet bottlenecks: generator, single or unrolled, and critic; and those they are compared with."""

from monai_gan_recon.networks.critic import ResNetCritic
from monai_gan_recon.networks.encoder_decoder import ResNetEncoderDecoder
from monai_gan_recon.networks.generator import ResNetGenerator
from monai_gan_recon.networks.weights import load_weights, trainable

from monai_gan_recon.networks import baselines  # isort: skip - needs the modules above

__all__ = [
    "ResNetCritic",
    "ResNetEncoderDecoder",
    "ResNetGenerator",
    "baselines",
    "load_weights",
    "trainable",
]
