"""A scan of an image: phase, coils, noise, sampling; one path for training, tests and benchmarks."""

from __future__ import annotations

import numpy as np
import torch

from monai_gan_recon.measurement import (
    KData,
    SenseOperator,
    hermitian_completion,
    low_resolution_phase,
    pack,
    to_channels,
)

FOREGROUND_THRESHOLD = 0.05
"""Fraction of the maximum above which a pixel counts as foreground."""


def noise_std_for(image: torch.Tensor, snr: float) -> float:
    """Standard deviation of the noise of each of the real and imaginary parts of a magnitude image at a given SNR.

    The SNR is the mean magnitude of the foreground over the standard deviation; infinite: no noise.

    Raises:
        ValueError: if the SNR is not positive.
    """
    if not snr > 0:
        raise ValueError(f"the SNR must be above 0, got {snr}")
    foreground = image[image > FOREGROUND_THRESHOLD * image.max()]
    return float(foreground.mean()) / snr if foreground.numel() else 0.0


def complex_noise(shape: tuple[int, ...], std: float, rng: np.random.Generator) -> torch.Tensor:
    """Complex white Gaussian noise, standard deviation ``std`` in each of the real and imaginary parts."""
    real, imag = (torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)) for _ in range(2))
    return torch.complex(real, imag) * std


def acquire(
    image: torch.Tensor,
    mask: torch.Tensor,
    phase: torch.Tensor | None = None,
    maps: torch.Tensor | None = None,
    noise_std: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[KData, torch.Tensor]:
    r"""Measure images.

    Args:
        image: magnitude (\*batch, H, W).
        mask: bool (\*batch or nothing, H, W), True = measured.
        phase: of the object in radians, broadcastable to the image, or None.
        maps: coil sensitivities (\*batch or nothing, coils, H, W), or None for one coil of sensitivity 1. The data
            carry them divided by their root sum of squares, as estimated maps are; the image is shaded by it.
        noise_std: standard deviation of the noise of each of the real and imaginary parts of each coil.
        rng: source of the noise; needed if there is some.

    Returns:
        The measurement (\*batch, coils, H, W), and the complex image (\*batch, H, W) that it is of.
    """
    image = torch.as_tensor(image, dtype=torch.float32)
    signal = torch.polar(image, torch.zeros_like(image) if phase is None else phase.expand_as(image).float())
    if maps is not None:
        shading = torch.linalg.vector_norm(maps, dim=-3)
        signal, maps = signal * shading, maps / shading.unsqueeze(-3).clamp_min(1e-6)
    mask = (mask != 0).unsqueeze(-3)
    kspace = SenseOperator(mask, maps).forward(signal)
    if noise_std > 0:
        noise = complex_noise(tuple(kspace.shape), noise_std, rng or np.random.default_rng())
        kspace = kspace + noise * mask
    return KData(kspace, mask, maps, noise_std), signal


def informed(
    data: KData, real: bool = False, phase: bool = False, phase_width: float | None = None
) -> tuple[KData, torch.Tensor | None]:
    r"""Put into the measurement what is known of the object's phase.

    Args:
        data: of any batch shape.
        real: the object is real: complete by Hermitian symmetry (one coil, replica track).
        phase: estimate a smooth phase from the centre of k-space and move it into the operator.
        phase_width: width of that centre, see :func:`monai_gan_recon.measurement.low_resolution_phase`.

    Returns:
        The measurement, and the phase factor (\*batch, H, W) that is now in its operator, if one is: the image to find
        is the object divided by it.
    """
    if real:
        data = hermitian_completion(data)
    if not phase:
        return data, None
    factor = low_resolution_phase(data.kspace, data.maps, phase_width)
    return data.with_phase(factor), factor


def measured_block(
    data: KData, real: bool = False, phase: bool = False, target: torch.Tensor | None = None
) -> dict[str, torch.Tensor]:
    """What a network takes of measured slices, and what its image is compared with.

    Args:
        data: B slices, k-space (B, coils, H, W).
        real: see :func:`informed`.
        phase: see :func:`informed`.
        target: the image, complex (B, H, W), if it is known.

    Returns:
        ``input`` (B, 4 + 2 C, H, W), see :func:`monai_gan_recon.measurement.pack`; ``zero_filled``, real and imaginary
        part (B, 2, H, W), and ``mask`` (B, 1, H, W), both without what Hermitian symmetry adds; ``energy`` (B,), the
        squared norm of the measured k-space; where it is known the image to find, ``target``, real and imaginary part
        (B, 2, H, W).
    """
    known, factor = informed(data, real, phase)
    measured = data if factor is None else data.with_phase(factor)
    block = {
        "input": pack(known),
        "zero_filled": to_channels(measured.adjoint()),
        "mask": data.mask.float().expand(len(data.kspace), 1, *data.kspace.shape[-2:]),
        "energy": data.kspace.abs().square().sum(dim=(-3, -2, -1)),
    }
    if target is not None:
        block["target"] = to_channels(target if factor is None else target * factor.conj())
    return block
