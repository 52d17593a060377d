"""Checks of a configuration's numbers and names before anything is computed, each with one clear line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from monai_gan_recon.bundle.failing import fail, fail_clearly
from monai_gan_recon.bundle.words import plain
from monai_gan_recon.measurement import check_pattern, check_rate
from monai_gan_recon.vocabulary import MIN_SLICE_SIZE, PLANES, TRACKS


def validate_protocol(
    pattern: str,
    rate: float,
    plane: str = "coronal",
    size: Sequence[int] | None = None,
    track: str = "replica",
    snr: float | None = None,
) -> None:
    """Check how images are undersampled and compared; see the other functions of this file.

    Args:
        pattern: sampling pattern.
        rate: sampling rate.
        plane: orientation of the slices.
        size: height and width of the slices, or None.
        track: replica or simulated.
        snr: signal-to-noise ratio of the simulated track, or None.

    Raises:
        SystemExit: with one line.
    """
    validate_pattern(pattern)
    validate_rate(rate)
    validate_plane(plane)
    validate_size(size)
    validate_track(track)
    validate_snr(snr)


def validate_rate(rate: Any, name: str = "rate") -> None:
    """End with one line unless the sampling rate is a number in (0, 1]."""
    try:
        check_rate(rate)
    except ValueError as error:
        fail(f"--{name}: {error}")


def validate_rate_range(rates: Any, name: str = "rate_range") -> None:
    """End with one line unless these are two sampling rates in (0, 1], the lower one first."""
    if not isinstance(rates, (list, tuple)) or len(rates) != 2:
        fail(f'--{name}: give the lowest and highest sampling rate, as in "[0.08,0.55]", not {rates!r}')
    for rate in rates:
        validate_rate(rate, name)
    if rates[0] > rates[1]:
        fail(f"--{name}: the lowest rate comes first, got {rates!r}")


def validate_pattern(pattern: Any) -> None:
    """End with one line unless this names a sampling pattern."""
    fail_clearly(check_pattern, pattern)


def validate_plane(plane: Any) -> None:
    """End with one line unless this is an orientation of slices."""
    if plane not in PLANES:
        fail(f"--plane: unknown plane {plane!r}; choose one of {', '.join(PLANES)}")


def validate_track(track: Any) -> None:
    """End with one line unless this is a track that volumes can be undersampled in."""
    if track not in TRACKS:
        fail(f"--track: unknown track {track!r}; choose one of {', '.join(TRACKS)}")


def validate_size(size: Any, option: str = "size") -> None:
    """End with one line unless this is None (whole slices) or [H, W], whole numbers of at least 16 pixels.

    Configurations that take whole slices pass ``plain(size)``: the text "null" is refused here.
    """
    if size is None:
        return
    numbers = size if isinstance(size, (list, tuple)) else []
    if len(numbers) != 2 or not all(_whole(n) for n in numbers):
        whole = "; whole slices (null) are not possible here" if plain(size) is None else f", not {size!r}"
        fail(f'--{option}: give height and width, such as "[256,256]"{whole}')
    if min(numbers) < MIN_SLICE_SIZE:
        fail(
            f"--{option}: slices need at least {MIN_SLICE_SIZE} x {MIN_SLICE_SIZE} pixels, "
            f"got {numbers[0]} x {numbers[1]}"
        )


def validate_snr(snr: Any) -> None:
    """End with one line unless this is None or a finite number above 0."""
    number = isinstance(snr, (int, float)) and not isinstance(snr, bool)
    if snr is not None and not (number and math.isfinite(snr) and snr > 0):
        fail(f"--snr: the signal-to-noise ratio must be a number above 0, got {snr!r}")


def validate_counts(**counts: Any) -> None:
    """End with one line unless each of these (epochs, batch size, ...) is a whole number of at least 1.

    Args:
        counts: value by the option's name.
    """
    for name, count in counts.items():
        if not _whole(count) or count < 1:
            fail(f"--{name}: must be a whole number of at least 1, got {count!r}")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
