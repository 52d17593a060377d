"""From scores of slices and scans to means over a data set: within a person first, then over people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from monai_gan_recon.metrics.conventions import CONFIDENCE, METRICS
from monai_gan_recon.metrics.segmentation import SEGMENTATION_METRICS
from monai_gan_recon.segmentation.labels import TISSUES

ORIGINAL, LABELS = "original", "labels"
"""What a segmentation is compared with: that of the original image, or the reference labels of the manifest."""

Scores = Mapping[str, Mapping[str, float]]
"""``{metric: {tissue: value}}``; NaN of a tissue absent from both, nothing of one that is not defined."""

PAIRS = (
    ("reconstruction", "zero_filled", ORIGINAL),
    ("reconstruction", "zero_filled", LABELS),
    ("reconstruction", ORIGINAL, LABELS),
    ("zero_filled", ORIGINAL, LABELS),
)
"""Differences that are reported: method, the method that is subtracted, what both are compared with."""


@dataclass(frozen=True)
class SliceRow:
    """Scores of one slice by one method.

    Attributes:
        person: name of the person, the unit of the statistics.
        case: name of the scan; a person may have several.
        slice: index of the slice in its volume.
        method: "zero_filled" or "reconstruction".
        metrics: scores by name; None or NaN where a metric does not apply.
    """

    person: str
    case: str
    slice: int
    method: str
    metrics: Mapping[str, float | None]


@dataclass(frozen=True)
class PersonRow:
    """Means over all slices of one person by one method; None where a metric does not apply."""

    person: str
    method: str
    n_slices: int
    metrics: Mapping[str, float | None]


@dataclass(frozen=True)
class SegmentationRow:
    """Scores of one image's segmentation.

    Attributes:
        person: name of the person, the unit of the statistics.
        case: name of the scan; "" for the mean over a person's scans.
        method: what was segmented: "original", "zero_filled" or "reconstruction".
        against: what it is compared with: "original" (segmentation of the original) or "labels".
        scores: by metric and tissue.
        n_scans: scans that the row is the mean of.
    """

    person: str
    case: str
    method: str
    against: str
    scores: Scores
    n_scans: int = 1


def segmentation_columns(row: SegmentationRow) -> tuple[list[str], list[float]]:
    """Names and values of a row's scores as columns of a CSV file, metric by metric."""
    columns = [(metric, tissue) for metric in SEGMENTATION_METRICS for tissue in TISSUES.values()]
    values = [row.scores[metric].get(tissue, math.nan) for metric, tissue in columns]
    return [f"{metric}_{tissue}" for metric, tissue in columns], values


def mean_of(values: Iterable[float | None]) -> float | None:
    """Mean of the values that apply (not None, not NaN); None if there are none."""
    applicable = [value for value in values if value is not None and not math.isnan(value)]
    return math.fsum(applicable) / len(applicable) if applicable else None


def mean_and_ci(values: Iterable[float | None]) -> dict[str, float | None]:
    r"""Mean over people, half width of its 95 % confidence interval :math:`t_{0.975, n-1}\, s / \sqrt{n}`.

    Returns:
        ``{"mean", "ci95"}`` of one value a person, None and NaN left out; ``ci95`` is None for fewer than two people,
        both are None for none.
    """
    applicable = [value for value in values if value is not None and not math.isnan(value)]
    mean, n = mean_of(applicable), len(applicable)
    if mean is None or n < 2:
        return {"mean": mean, "ci95": None}
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in applicable) / (n - 1))
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))
    return {"mean": mean, "ci95": quantile * deviation / math.sqrt(n)}


def person_means(rows: Sequence[SliceRow]) -> list[PersonRow]:
    """Average the slices of each person and method, in the order of first appearance."""
    groups: dict[tuple[str, str], list[SliceRow]] = {}
    for row in rows:
        groups.setdefault((row.person, row.method), []).append(row)
    return [
        PersonRow(
            person,
            method,
            len(group),
            {name: mean_of(row.metrics.get(name) for row in group) for name in METRICS},
        )
        for (person, method), group in groups.items()
    ]


def dataset_summary(people: Sequence[PersonRow], method: str) -> dict[str, object]:
    """Average people: ``n_people``, ``n_slices`` and ``{"mean", "ci95"}`` for each metric of one method."""
    group = [person for person in people if person.method == method]
    summary: dict[str, object] = {
        "n_people": len(group),
        "n_slices": sum(person.n_slices for person in group),
    }
    return summary | {name: mean_and_ci(person.metrics[name] for person in group) for name in METRICS}


def finite_mean_and_ci(values: Iterable[float]) -> dict[str, float | int | None]:
    """:func:`mean_and_ci` of the finite values, one a person; NaN: no tissue, infinite: only one image has it.

    ``n`` counts the finite values, ``n_infinite`` those that the mean leaves out.
    """
    values = list(values)
    finite = [value for value in values if math.isfinite(value)]
    return {
        **mean_and_ci(finite),
        "n": len(finite),
        "n_infinite": sum(math.isinf(value) for value in values),
    }


def person_rows(rows: Sequence[SegmentationRow]) -> list[SegmentationRow]:
    """Average the scans of each person, method and comparison, in the order of first appearance.

    A tissue absent from a scan (NaN) is left out of its mean; an infinite distance stays infinite.
    """
    groups: dict[tuple[str, str, str], list[SegmentationRow]] = {}
    for row in rows:
        groups.setdefault((row.person, row.method, row.against), []).append(row)
    return [
        SegmentationRow(person, "", method, against, _mean_scores(group), len(group))
        for (person, method, against), group in groups.items()
    ]


def method_statistics(people: Sequence[SegmentationRow]) -> list[dict[str, Any]]:
    """Statistics over people of each method and comparison: these two names and, by metric, those of each tissue."""
    groups = dict.fromkeys((row.method, row.against) for row in people)
    result = []
    for method, against in groups:
        rows = [row for row in people if (row.method, row.against) == (method, against)]
        values = [row.scores for row in rows]
        result.append({"method": method, "against": against, **_statistics(values)})
    return result


def paired_differences(people: Sequence[SegmentationRow]) -> list[dict[str, Any]]:
    """Statistics of the differences between two methods, taken within each person.

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


def _statistics(scores: Sequence[Any]) -> dict[str, dict[str, Any]]:
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


def _mean_scores(rows: Sequence[SegmentationRow]) -> dict[str, dict[str, float]]:
    result: dict[str, dict[str, float]] = {}
    for metric in SEGMENTATION_METRICS:
        tissues = dict.fromkeys(tissue for row in rows for tissue in row.scores[metric])
        means = {tissue: mean_of(row.scores[metric].get(tissue) for row in rows) for tissue in tissues}
        result[metric] = {tissue: math.nan if mean is None else mean for tissue, mean in means.items()}
    return result
