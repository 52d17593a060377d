"""The fully sampled centre of k-space."""

from __future__ import annotations

import numpy as np

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
    if not 0 <= centre_fraction <= 1:
        raise ValueError(f"centre_fraction must be in [0, 1], got {centre_fraction}")
    return centre_fraction


def centre_slice(n: int, width: int) -> slice:
    """The ``width`` indices around the zero frequency ``n // 2``."""
    start = n // 2 - width // 2
    return slice(start, start + width)
