"""Sampling patterns of single points (two phase-encoding directions) and of spokes."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from monai_gan_recon.measurement.lines import centre_fraction_for

GAUSSIAN_SIGMA_2D = 0.2
"""Standard deviation of the point density in units of each axis' length."""


def gaussian_points(
    shape: tuple[int, int], rate: float, rng: np.random.Generator, centre_fraction: float | None = None
) -> np.ndarray:
    """Fully sampled central disc, the other points drawn without replacement from a 2-D Gaussian density.

    Args:
        shape: size of k-space (H, W).
        rate: fraction of points to sample, in (0, 1].
        rng: source of randomness.
        centre_fraction: diameter of the fully sampled disc in units of each axis' length; None: as for the lines.

    Returns:
        Boolean array (H, W) with exactly ``max(round(rate * H * W), 1)`` points.
    """
    count = max(round(rate * shape[0] * shape[1]), 1)
    radius = _radius(shape)
    # Gumbel top-k (Kool et al. 2019): the largest values of log-density + Gumbel noise are a draw without replacement
    priority = -0.5 * (radius / GAUSSIAN_SIGMA_2D) ** 2 + rng.gumbel(size=shape)
    priority[radius <= centre_fraction_for(rate, centre_fraction) / 2] = np.inf
    return _largest(priority, radius, count)


def poisson_disc(
    shape: tuple[int, int], rate: float, rng: np.random.Generator, centre_fraction: float | None = None
) -> np.ndarray:
    """Variable-density Poisson disc: no two points outside the centre nearer than a radius that grows outwards.

    The radius is found by bisection (Bridson 2007; the growth with distance as in Lustig et al. 2007), a surplus is
    thinned at random. Arguments and result are those of :func:`gaussian_points`.
    """
    count = max(round(rate * shape[0] * shape[1]), 1)
    radius = _radius(shape)
    centre = radius <= centre_fraction_for(rate, centre_fraction) / 2
    order = rng.permutation(shape[0] * shape[1])
    low, high = 0.0, 1.5 / np.sqrt(rate)
    best = np.ones(shape, dtype=bool)
    for _ in range(12):
        middle = (low + high) / 2
        points = _throw_darts()(order, middle * (0.4 + 2 * radius), centre)
        if points.sum() >= count:
            low, best = middle, points
        else:
            high = middle
    priority = best + 0.5 * rng.random(shape)
    priority[centre] = np.inf
    return _largest(priority, radius, count)


def caipi_points(
    shape: tuple[int, int], rate: float, rng: np.random.Generator, centre_fraction: float | None = None
) -> np.ndarray:
    """2-D CAIPIRINHA (Breuer et al., MRM 2006): every R-th point, on a sheared lattice, and a fully sampled centre.

    Of the lattices the one whose points keep the largest distances is taken, mirrored or not, at a random place. R is
    the whole number that comes nearest to the rate. Arguments are those of :func:`gaussian_points`.
    """
    y, x = np.indices(shape)
    centre = _radius(shape) <= centre_fraction_for(rate, centre_fraction) / 2
    centre[shape[0] // 2, shape[1] // 2] = True
    free = shape[0] * shape[1] - int(centre.sum())
    wanted = max(rate * shape[0] * shape[1] - centre.sum(), free / max(shape))
    reduction = min(range(1, max(shape) + 1), key=lambda r: abs(free / r - wanted))
    lattices = _widest_lattices(reduction)
    row_step, step, shift = lattices[rng.integers(len(lattices))]
    y, x = y - rng.integers(row_step), x - rng.integers(step)
    return centre | ((y % row_step == 0) & ((x - y // row_step * shift) % step == 0))


@functools.cache
def _widest_lattices(reduction: int) -> list[tuple[int, int, int]]:
    """Of the lattices of every ``reduction``-th point those of the largest distances between neighbours.

    Each is spanned by (0, ``step``) and (``row_step``, ``shift``).
    """

    def neighbours(row_step: int, step: int, shift: int) -> list[int]:
        rows = ((row_step * n) ** 2 + min(shift * n % step, -shift * n % step) ** 2 for n in range(1, step + 1))
        return sorted([step**2, *rows])[:3]

    steps = [n for n in range(1, reduction + 1) if reduction % n == 0]
    lattices = [(reduction // n, n, shift) for n in steps for shift in range(n)]
    most = max(neighbours(*lattice) for lattice in lattices)
    return [lattice for lattice in lattices if neighbours(*lattice) == most]


def radial_spokes(
    shape: tuple[int, int], rate: float, rng: np.random.Generator, centre_fraction: float | None = None
) -> np.ndarray:
    """Spokes through the centre, golden angle apart (Winkelmann et al. 2007), on the Cartesian grid.

    Spokes are added until the next one would exceed the rate, which is met within one spoke; the first angle is random.
    Arguments are those of :func:`gaussian_points`.
    """
    count = max(round(rate * shape[0] * shape[1]), 1)
    if count == shape[0] * shape[1]:
        return np.ones(shape, dtype=bool)
    mask = _largest(-_radius(shape), _radius(shape), count)
    mask &= _radius(shape) <= centre_fraction_for(rate, centre_fraction) / 2
    angle = rng.uniform(0, np.pi)
    golden = np.pi * (np.sqrt(5) - 1) / 2
    nothing_new = 0
    while nothing_new < sum(shape):  # near a rate of 1 few spokes find a point that is not yet sampled
        spoke = mask | _spoke(shape, angle)
        if spoke.sum() > count:
            break
        nothing_new = 0 if spoke.sum() > mask.sum() else nothing_new + 1
        mask = spoke
        angle += golden
    mask[shape[0] // 2, shape[1] // 2] = True
    return mask


def _radius(shape: tuple[int, int]) -> np.ndarray:
    """Distance from the zero frequency in units of each axis' length, 0.5 at the edge."""
    y, x = (np.arange(n) - n // 2 for n in shape)
    return np.hypot(y[:, None] / shape[0], x[None, :] / shape[1])


def _largest(priority: np.ndarray, radius: np.ndarray, count: int) -> np.ndarray:
    """The ``count`` points of highest priority, ties (the centre) by their distance from the zero frequency."""
    chosen = np.lexsort((radius.ravel(), -priority.ravel()))[:count]
    mask = np.zeros(priority.size, dtype=bool)
    mask[chosen] = True
    return mask.reshape(priority.shape)


@functools.cache
def _throw_darts() -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Dart throwing, compiled by Numba at its first use: of ``order``, spacing and centre to points, all (H, W)."""
    import numba

    @numba.njit(cache=True)
    def throw(order: np.ndarray, spacing: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Take the grid points in random order, each unless it lies within the spacing of one taken before."""
        height, width = spacing.shape
        points, blocked = centre.copy(), centre.copy()
        for index in order:
            y, x = index // width, index % width
            if blocked[y, x]:
                continue
            points[y, x] = True
            reach = spacing[y, x]
            r = int(reach)
            for v in range(max(y - r, 0), min(y + r + 1, height)):
                for u in range(max(x - r, 0), min(x + r + 1, width)):
                    if (v - y) ** 2 + (u - x) ** 2 <= reach**2:
                        blocked[v, u] = True
        return points

    throw_darts: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] = throw
    return throw_darts


def _spoke(shape: tuple[int, int], angle: float) -> np.ndarray:
    """One line of grid points through the zero frequency, corner to corner."""
    steps = np.linspace(-0.75, 0.75, 3 * max(shape))
    y = np.rint(shape[0] // 2 + steps * shape[0] * np.sin(angle)).astype(int)
    x = np.rint(shape[1] // 2 + steps * shape[1] * np.cos(angle)).astype(int)
    inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
    mask = np.zeros(shape, dtype=bool)
    mask[y[inside], x[inside]] = True
    return mask
