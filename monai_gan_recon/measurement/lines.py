"""Sampling patterns of whole phase-encoding lines: Gaussian, and MONAI's equispaced and random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from monai.apps.reconstruction.transforms.array import EquispacedKspaceMask, RandomKspaceMask

from monai_gan_recon.checks import check_fractions

DAGAN_LINES = (24, 56, 75, 105, 127)
"""Lines of 256 in DAGAN's Gaussian 1-D patterns (nominally 10 to 50 %)."""

DAGAN_CENTRES = (12, 22, 30, 37, 48)
"""Lines of 256 in the fully sampled centres of the same patterns."""


def centre_fraction_for(rate: float, centre_fraction: float | None = None) -> float:
    """Fraction of the lines in the fully sampled centre: the one given, or that of DAGAN's patterns at this rate.

    Between DAGAN's rates it is interpolated; it falls to 0 with the rate, and grows to 1 with it.

    Raises:
        ValueError: if ``centre_fraction`` is outside [0, 1].
    """
    if centre_fraction is None:
        return float(np.interp(rate * 256, (0, *DAGAN_LINES, 256), (0, *DAGAN_CENTRES, 256)) / 256)
    check_fractions(centre_fraction=centre_fraction)
    return centre_fraction


def centre_slice(n: int, width: int) -> slice:
    """The ``width`` indices around the zero frequency ``n // 2``."""
    start = n // 2 - width // 2
    return slice(start, start + width)


DAGAN_SIGMAS = (0.373, 0.207, 0.560, 0.322, 0.475)
"""Standard deviations of a line density, in units of the number of lines, at DAGAN's five rates.

Fitted so that the lines' mean rms distance from the zero frequency is that of DAGAN's patterns (47.4, 43.7, 58.7, 57.8
and 62.3 of 256 lines)."""

LINE_SIGMAS = (0.070, 0.131, 0.205, 0.328, 0.372)
"""The same of a law that crowds the centre at low rates: rms distance 15 of 256 lines, not 47, at 24 lines."""


def gaussian_lines(
    n: int,
    rate: float,
    rng: np.random.Generator,
    centre_fraction: float | None = None,
    sigmas: Sequence[float] = LINE_SIGMAS,
) -> np.ndarray:
    """Fully sampled centre, the other lines drawn without replacement from a Gaussian density.

    Args:
        n: number of lines.
        rate: fraction of lines to sample, in (0, 1].
        rng: source of randomness.
        centre_fraction: fraction of all lines in the fully sampled centre; None: as in DAGAN's patterns.
        sigmas: standard deviations of the density at DAGAN's five rates, between them interpolated.

    Returns:
        Boolean array (n,) with exactly ``max(round(rate * n), 1)`` lines.
    """
    count = max(round(rate * n), 1)
    lines = np.zeros(n, dtype=bool)
    centre = min(max(round(centre_fraction_for(rate, centre_fraction) * n), 1), count)
    lines[centre_slice(n, centre)] = True
    outer = np.flatnonzero(~lines)
    # Gumbel top-k: the largest values of log-density + Gumbel noise are a draw without replacement
    sigma = np.interp(rate * 256, (0, *DAGAN_LINES, 256), (sigmas[0] / 2, *sigmas, 1))
    log_density = -0.5 * ((outer - n // 2) / (sigma * n)) ** 2
    priority = log_density + rng.gumbel(size=outer.size)
    lines[outer[np.argsort(-priority)[: count - centre]]] = True
    return lines


def monai_lines(
    n: int,
    rate: float,
    rng: np.random.Generator,
    centre_fraction: float | None = None,
    kind: type[EquispacedKspaceMask] | type[RandomKspaceMask] = EquispacedKspaceMask,
) -> np.ndarray:
    """MONAI's masks (fastMRI): equispaced lines, their number near ``rate * n``, or Bernoulli lines.

    Of those ``rate`` is the expectation. Of n lines, c of them in the centre, its standard deviation is
    ``sqrt((n - c) p (1 - p)) / n`` with ``p = (rate n - c) / (n - c)``: at 256 lines and 25 %, 0.022.
    """
    if round(rate * n) >= n:
        return np.ones(n, dtype=bool)
    centre = centre_fraction_for(rate, centre_fraction)
    if round(centre * n) < 1:
        centre = 1 / n
    if round(centre * n) >= rate * n:  # nothing is left for MONAI to draw
        middle = np.zeros(n, dtype=bool)
        middle[centre_slice(n, max(round(centre * n), 1))] = True
        return middle
    sampler = kind(center_fractions=[centre], accelerations=[1 / rate], spatial_dims=1, is_complex=False)
    sampler.set_random_state(seed=int(rng.integers(2**31)))
    sampler(torch.zeros(1, n))
    lines: np.ndarray = sampler.mask.reshape(-1).numpy().astype(bool)
    # of an even block among an odd number of lines MONAI has one more above the zero frequency, all others here below
    return np.roll(lines, -1) if n % 2 == 1 and round(centre * n) % 2 == 0 else lines
