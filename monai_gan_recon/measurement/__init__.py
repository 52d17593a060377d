"""The measurement: k-space of coils with noise, its operator, sampling patterns, data consistency."""

from monai_gan_recon.measurement.fourier import fft2c, from_channels, ifft2c, magnitude, to_channels
from monai_gan_recon.measurement.hermitian import hermitian_completion, mirror
from monai_gan_recon.measurement.kdata import BASE_CHANNELS, KData, Measurement, pack, unpack
from monai_gan_recon.measurement.operators import NormalOperator, SenseOperator, gram, normal_operator
from monai_gan_recon.measurement.patterns import PATTERNS, check_pattern, check_rate, sampling_mask
from monai_gan_recon.measurement.phase import low_resolution_phase
from monai_gan_recon.measurement.resampling import hold_out, measure_again
from monai_gan_recon.measurement.solvers import (
    chi_squared,
    data_consistency,
    kspace_residual,
    posterior_mean,
)

__all__ = [
    "BASE_CHANNELS",
    "PATTERNS",
    "KData",
    "Measurement",
    "NormalOperator",
    "SenseOperator",
    "check_pattern",
    "check_rate",
    "chi_squared",
    "data_consistency",
    "fft2c",
    "from_channels",
    "gram",
    "hermitian_completion",
    "hold_out",
    "ifft2c",
    "kspace_residual",
    "low_resolution_phase",
    "magnitude",
    "measure_again",
    "mirror",
    "normal_operator",
    "pack",
    "posterior_mean",
    "sampling_mask",
    "to_channels",
    "unpack",
]
