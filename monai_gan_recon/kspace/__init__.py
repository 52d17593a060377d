"""Physics: Fourier transform, sampling patterns, forward model, data consistency."""

from monai_gan_recon.kspace.data_consistency import data_consistency, kspace_residual, noise_weight
from monai_gan_recon.kspace.forward_model import ForwardModel
from monai_gan_recon.kspace.fourier import fft2c, from_channels, ifft2c, to_channels
from monai_gan_recon.kspace.hermitian import hermitian_completion, mirror
from monai_gan_recon.kspace.hold_out import hold_out
from monai_gan_recon.kspace.measurement import measure_again
from monai_gan_recon.kspace.patterns import PATTERNS, check_pattern, check_rate, sampling_mask
from monai_gan_recon.kspace.phase import low_resolution_phase
from monai_gan_recon.kspace.posterior import posterior_mean

__all__ = [
    "PATTERNS",
    "ForwardModel",
    "check_pattern",
    "check_rate",
    "data_consistency",
    "fft2c",
    "from_channels",
    "hermitian_completion",
    "hold_out",
    "ifft2c",
    "kspace_residual",
    "low_resolution_phase",
    "measure_again",
    "mirror",
    "noise_weight",
    "posterior_mean",
    "sampling_mask",
    "to_channels",
]
