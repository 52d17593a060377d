"""Sampling patterns by name, for any size, rate and seed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from monai.apps.reconstruction.transforms.array import RandomKspaceMask

from monai_gan_recon.checks import check_fractions
from monai_gan_recon.measurement.lines import DAGAN_SIGMAS, gaussian_lines, monai_lines
from monai_gan_recon.measurement.points import caipi_points, gaussian_points, poisson_disc, radial_spokes

LINE_PATTERNS: dict[str, Callable[..., np.ndarray]] = {
    "gaussian1d": gaussian_lines,
    "dagan1d": partial(gaussian_lines, sigmas=DAGAN_SIGMAS),
    "equispaced": monai_lines,
    "random": partial(monai_lines, kind=RandomKspaceMask),
}
POINT_PATTERNS = {
    "gaussian2d": gaussian_points,
    "poisson": poisson_disc,
    "caipi": caipi_points,
    "radial": radial_spokes,
}
PATTERNS = (*LINE_PATTERNS, *POINT_PATTERNS)


def sampling_mask(
    pattern: str,
    size: tuple[int, int],
    rate: float,
    axis: int = -1,
    seed: int | np.random.Generator | None = None,
    centre_fraction: float | None = None,
    partial_fourier: float = 1.0,
) -> torch.Tensor:
    """Draw a sampling mask.

    Args:
        pattern: "gaussian1d" (whole lines, Gaussian density, crowded near the centre at low rates), "dagan1d" (the
            same, as spread as DAGAN's patterns), "equispaced" and "random" (MONAI's, whole lines),
            "gaussian2d", "poisson", "caipi" (points) or "radial" (spokes on the Cartesian grid).
        size: size of k-space (H, W), each at least 1.
        rate: fraction of k-space to sample, in (0, 1]. Exact, ``round(rate * N)`` lines or points, for
            "gaussian1d", "dagan1d", "gaussian2d" and "poisson"; within a spoke for "radial"; about that for MONAI's
            and "caipi": the mask's mean is the true rate.
        axis: for patterns of whole lines, the phase-encoding axis, along which the mask varies: -1 for columns (W),
            -2 for rows (H).
        seed: an integer, a generator, or None for a fresh draw. The same seed gives the same mask.
        centre_fraction: size of the fully sampled centre in units of the axis' length; None: as in DAGAN's patterns.
        partial_fourier: fraction of k-space along ``axis``, from its lower end, that is sampled at all, in (0.5, 1];
            what lies above is lost, so that the true rate is lower.

    Returns:
        Boolean tensor (H, W), the zero frequency at ``(H // 2, W // 2)`` sampled.

    Raises:
        ValueError: for an unknown pattern, a rate outside (0, 1], an axis other than -1 and -2, or a partial Fourier
            fraction outside (0.5, 1].
    """
    check_pattern(pattern)
    check_rate(rate)
    check_axis(axis)
    check_partial_fourier(partial_fourier)
    height, width = (int(n) for n in size)
    rng = np.random.default_rng(seed)
    kept = torch.arange(size[axis]) < round(partial_fourier * size[axis])
    kept = kept[None, :] if axis == -1 else kept[:, None]
    if pattern in POINT_PATTERNS:
        return torch.from_numpy(POINT_PATTERNS[pattern]((height, width), rate, rng, centre_fraction)) & kept
    lines = torch.from_numpy(LINE_PATTERNS[pattern](width if axis == -1 else height, rate, rng, centre_fraction))
    lines = lines[None, :] if axis == -1 else lines[:, None]
    return (lines & kept).expand(height, width).clone()


def check_pattern(pattern: str) -> None:
    """Raise a ValueError that lists the patterns if this is none of them."""
    if pattern not in PATTERNS:
        raise ValueError(f"unknown sampling pattern {pattern!r}: choose one of {', '.join(PATTERNS)}")


def check_axis(axis: int) -> None:
    """Raise a ValueError if this is no phase-encoding axis of slices."""
    if isinstance(axis, (bool, float)) or axis not in (-1, -2):
        raise ValueError(f"the phase-encoding axis must be -1 (columns) or -2 (rows), got {axis!r}")


def check_partial_fourier(fraction: float) -> None:
    """Raise a ValueError if the fraction of k-space that is sampled at all is not in (0.5, 1]."""
    check_fractions(partial_fourier=fraction)
    if fraction <= 0.5:
        raise ValueError(f"partial_fourier must be above 0.5, got {fraction!r}: the centre has to be sampled")


def check_rate(rate: float) -> None:
    """Raise a ValueError if the sampling rate is not in (0, 1]."""
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate <= 1:
        raise ValueError(f"the sampling rate must be in (0, 1], got {rate!r}: 0.1 samples a tenth of k-space")
