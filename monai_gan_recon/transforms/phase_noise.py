"""The simulated track: a smooth phase and complex noise on a magnitude image."""

from __future__ import annotations

import numpy as np
import torch

FOREGROUND_THRESHOLD = 0.05
"""Fraction of the maximum above which a pixel counts as foreground."""


def smooth_phase(
    size: tuple[int, int], rng: np.random.Generator, order: int = 3, strength: float = np.pi
) -> torch.Tensor:
    """A random smooth phase, a 2-D polynomial as B0 and coil phase give it.

    Args:
        size: (H, W).
        rng: source of randomness.
        order: highest total power of the polynomial.
        strength: largest absolute phase in radians.

    Returns:
        Phase in radians, shape (H, W), float32.
    """
    y, x = (np.linspace(-1, 1, n) for n in size)
    powers = [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]
    phase = sum(rng.normal() * np.outer(y**i, x**j) for i, j in powers)
    return torch.from_numpy((phase / np.abs(phase).max() * strength).astype(np.float32))


def noise_sigma(image: torch.Tensor, snr: float) -> float:
    """Standard deviation of the noise of each of the real and imaginary parts at a given SNR.

    Args:
        image: magnitude image, any shape.
        snr: mean magnitude of the foreground over the standard deviation, above 0.

    Raises:
        ValueError: if the SNR is not positive.
    """
    if snr <= 0:
        raise ValueError(f"the SNR must be above 0, got {snr}")
    foreground = image[image > FOREGROUND_THRESHOLD * image.max()]
    return float(foreground.mean()) / snr if foreground.numel() else 0.0


def complex_noise(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> torch.Tensor:
    """Complex white Gaussian noise, standard deviation ``sigma`` in each of the real and imaginary parts."""
    real, imag = (torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)) for _ in range(2))
    return torch.complex(real, imag) * sigma
