"""One seed for every random generator."""

from __future__ import annotations

from monai.utils import set_determinism


def set_seed(seed: int) -> None:
    """Seed Python, numpy and torch, and ask for deterministic algorithms where they are as fast.

    Raises:
        ValueError: if the seed is not an integer of at least 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"the seed must be an integer of at least 0, got {seed!r}")
    set_determinism(seed)
