"""The measurement: k-space of coils with noise, its operator, sampling patterns, data consistency."""

from monai_gan_recon.measurement.calibration import Calibrated, calibrate
from monai_gan_recon.measurement.coils import compress_coils, remove_readout_oversampling
from monai_gan_recon.measurement.espirit import coil_doubt, espirit_maps
from monai_gan_recon.measurement.fourier import fft2c, from_channels, ifft2c, magnitude, to_channels
from monai_gan_recon.measurement.kdata import BASE_CHANNELS, KData, Measurement, pack, unpack
from monai_gan_recon.measurement.noise import estimate_noise_std, noise_covariance, prewhiten
from monai_gan_recon.measurement.operators import NormalOperator, SenseOperator, gram, normal_operator
from monai_gan_recon.measurement.patterns import (
    PATTERNS,
    check_axis,
    check_partial_fourier,
    check_pattern,
    check_rate,
    sampling_mask,
)
from monai_gan_recon.measurement.phase import hermitian_completion, low_resolution_phase, mirror
from monai_gan_recon.measurement.resampling import hold_out, measure_again
from monai_gan_recon.measurement.solvers import data_consistency, kspace_residual, posterior_mean

__all__ = [
    "BASE_CHANNELS",
    "PATTERNS",
    "Calibrated",
    "KData",
    "Measurement",
    "NormalOperator",
    "SenseOperator",
    "calibrate",
    "check_axis",
    "check_partial_fourier",
    "check_pattern",
    "check_rate",
    "coil_doubt",
    "compress_coils",
    "data_consistency",
    "espirit_maps",
    "estimate_noise_std",
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
    "noise_covariance",
    "normal_operator",
    "pack",
    "posterior_mean",
    "prewhiten",
    "remove_readout_oversampling",
    "sampling_mask",
    "to_channels",
    "unpack",
]
