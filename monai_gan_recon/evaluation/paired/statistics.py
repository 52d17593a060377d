"""Statistics over people of the scores of segmentations: means, and differences within each person."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from monai_gan_recon.evaluation.paired.scores import LABELS, ORIGINAL, SegmentationRow
from monai_gan_recon.evaluation.results import mean_and_ci
from monai_gan_recon.metrics.segmentation import SEGMENTATION_METRICS

Statistics = dict[str, dict[str, dict[str, float | int | None]]]
"""``{metric: {tissue: {"mean", "ci95", "n", "n_infinite"}}}``"""

PAIRS = (
    ("reconstruction", "zero_filled", ORIGINAL),
    ("reconstruction", "zero_filled", LABELS),
    ("reconstruction", ORIGINAL, LABELS),
    ("zero_filled", ORIGINAL, LABELS),
)
"""Differences that are reported: method, the method that is subtracted, what both are compared with."""


def finite_mean_and_ci(values: Iterable[float]) -> dict[str, float | int | None]:
    """Mean and half width of the 95 % confidence interval (Student's t) over people, of the finite values.

    Args:
        values: one a person; NaN where the tissue is absent, infinite where only one image has it.

    Returns:
        ``mean`` (None without a finite value), ``ci95`` (None for fewer than two), ``n`` finite values,
        ``n_infinite`` values that the mean leaves out.
    """
    values = list(values)
    finite = [value for value in values if math.isfinite(value)]
    return {
        **mean_and_ci(finite),
        "n": len(finite),
        "n_infinite": sum(math.isinf(value) for value in values),
    }


def method_statistics(people: Sequence[SegmentationRow]) -> list[dict[str, Any]]:
    """Statistics of each method and comparison.

    Args:
        people: one row a person, method and comparison.

    Returns:
        Dictionaries of ``method``, ``against`` and, by metric, the statistics of each tissue.
    """
    groups = dict.fromkeys((row.method, row.against) for row in people)
    result = []
    for method, against in groups:
        rows = [row for row in people if (row.method, row.against) == (method, against)]
        values = [row.scores for row in rows]
        result.append({"method": method, "against": against, **_statistics(values)})
    return result


def paired_differences(people: Sequence[SegmentationRow]) -> list[dict[str, Any]]:
    """Statistics of the differences between two methods, taken within each person.

    Args:
        people: one row a person, method and comparison.

    Returns:
        Dictionaries of ``method``, ``minus``, ``against`` and, by metric, the statistics of each tissue, for each
        of :data:`PAIRS` that there are rows of.
    """
    by_key = {(row.person, row.method, row.against): row.scores for row in people}
    result = []
    for method, minus, against in PAIRS:
        pairs = [
            (by_key[person, method, against], by_key[person, minus, against])
            for person in dict.fromkeys(row.person for row in people)
            if {(person, method, against), (person, minus, against)} <= set(by_key)
        ]
        if pairs:
            differences = [
                {
                    metric: {
                        tissue: _difference(value, second[metric].get(tissue, math.nan))
                        for tissue, value in first[metric].items()
                    }
                    for metric in SEGMENTATION_METRICS
                }
                for first, second in pairs
            ]
            result.append({"method": method, "minus": minus, "against": against, **_statistics(differences)})
    return result


def _statistics(scores: Sequence[Any]) -> Statistics:
    return {
        metric: {
            tissue: finite_mean_and_ci(person[metric].get(tissue, math.nan) for person in scores)
            for tissue in dict.fromkeys(tissue for person in scores for tissue in person[metric])
        }
        for metric in SEGMENTATION_METRICS
    }


def _difference(value: float, other: float) -> float:
    """Infinite if one of the two is, and NaN if one of the two is absent."""
    if math.isnan(value) or math.isnan(other):
        return math.nan
    return math.inf if math.isinf(value) or math.isinf(other) else value - other
