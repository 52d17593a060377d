"""Paired comparison over people, and whether a training curve is flat."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from monai_gan_recon.evaluation.results import mean_and_ci

FLAT = 0.1
"""dB: a curve that gains less in its last quarter is flat."""

FEWEST = 6
"""People below which no two-sided Wilcoxon test can give p < 0.05."""


@dataclass(frozen=True)
class Comparison:
    """One system against another on the same people.

    Attributes:
        difference: mean of the paired differences.
        ci95: half width of its 95 % confidence interval; None for fewer than two people.
        effect: matched-pairs rank-biserial correlation in [-1, 1]: 1 if the first is better for everybody.
        p: two-sided Wilcoxon signed-rank test; None for fewer than six people or without any difference.
        people: number of pairs.
    """

    difference: float
    ci95: float | None
    effect: float
    p: float | None
    people: int


def compare(first: Mapping[str, Any], second: Mapping[str, Any], metric: str = "psnr") -> Comparison:
    """Compare two results of cells by person.

    Args:
        first: finished result.
        second: another one of the same size, rate and track.
        metric: a metric of both, of which more is better.

    Raises:
        ValueError: if they were not tested on the same slices of the same people.
    """
    slices = [{name: row["n_slices"] for name, row in result["people"].items()} for result in (first, second)]
    if slices[0] != slices[1] or first["slice_step"] != second["slice_step"]:
        raise ValueError(
            f"{first['system']} and {second['system']} were not tested on the same slices: run one of them again"
        )
    differences = [
        float(row[metric]) - float(second["people"][name][metric]) for name, row in first["people"].items()
    ]
    summary = mean_and_ci(differences)
    return Comparison(
        float(summary["mean"] or 0.0), summary["ci95"], rank_biserial(differences), wilcoxon(differences),
        len(differences),
    )  # fmt: skip


def wilcoxon(differences: Sequence[float]) -> float | None:
    """Two-sided p of the Wilcoxon signed-rank test; None where it could not be below 0.05, or all are 0."""
    if len(differences) < FEWEST or not any(differences):
        return None
    return float(stats.wilcoxon(differences).pvalue)


def rank_biserial(differences: Sequence[float]) -> float:
    """Rank-biserial correlation of matched pairs (Kerby 2014): favourable minus unfavourable share of the rank sum."""
    values = np.asarray([d for d in differences if d], dtype=float)
    if not len(values):
        return 0.0
    ranks = stats.rankdata(np.abs(values))
    return float((ranks[values > 0].sum() - ranks[values < 0].sum()) / ranks.sum())


def gain_of_last_quarter(curve: Sequence[float]) -> float | None:
    """DB that the best validation so far still gained in the last quarter of the epochs; None for under 4 epochs."""
    if len(curve) < 4:
        return None
    start = len(curve) - math.ceil(len(curve) / 4)
    return max(max(curve) - max(curve[:start]), 0.0)


def is_flat(curve: Sequence[float]) -> bool:
    """Whether a training was long enough: its validation PSNR gained less than 0.1 dB in its last quarter."""
    gain = gain_of_last_quarter(curve)
    return gain is not None and gain < FLAT
