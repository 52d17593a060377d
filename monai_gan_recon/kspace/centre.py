"""The fully sampled centre of k-space."""

from __future__ import annotations


def centre_fraction_for(rate: float, centre_fraction: float | None = None) -> float:
    """Fraction of the lines in the fully sampled centre: the one given, or that of DAGAN's patterns at this rate.

    DAGAN's Gaussian 1-D patterns have centres of 12, 22, 30, 37 and 48 of 256 lines at rates 0.094, 0.219, 0.293,
    0.410 and 0.496; the line ``0.35 * rate + 0.014`` goes through them within three lines.

    Raises:
        ValueError: if ``centre_fraction`` is outside [0, 1].
    """
    if centre_fraction is None:
        return min(0.35 * rate + 0.014, rate)
    if not 0 <= centre_fraction <= 1:
        raise ValueError(f"centre_fraction must be in [0, 1], got {centre_fraction}")
    return centre_fraction


def centre_slice(n: int, width: int) -> slice:
    """The ``width`` indices around the zero frequency ``n // 2``."""
    start = n // 2 - width // 2
    return slice(start, start + width)
