"""Networks of MONAI ResNet bottlenecks: generator, single or unrolled, and critic."""

from monai_gan_recon.networks.critic import ResNetCritic
from monai_gan_recon.networks.encoder_decoder import ResNetEncoderDecoder
from monai_gan_recon.networks.generator import ResNetGenerator
from monai_gan_recon.networks.weights import load_weights

__all__ = ["ResNetCritic", "ResNetEncoderDecoder", "ResNetGenerator", "load_weights"]
