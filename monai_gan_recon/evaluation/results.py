"""From scores of slices to means over a data set: slice, then person, then data set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy import stats

from monai_gan_recon.metrics.conventions import CONFIDENCE, METRICS


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


def mean_of(values: Iterable[float | None]) -> float | None:
    """Mean of the values that apply (not None, not NaN); None if there are none."""
    applicable = [value for value in values if value is not None and not math.isnan(value)]
    return math.fsum(applicable) / len(applicable) if applicable else None


def mean_and_ci(values: Iterable[float | None]) -> dict[str, float | None]:
    r"""Mean over people, half width of its 95 % confidence interval :math:`t_{0.975, n-1}\, s / \sqrt{n}`.

    Args:
        values: one mean a person; None or NaN does not count.

    Returns:
        ``{"mean", "ci95"}``; ``ci95`` is None for fewer than two people, both are None for none.
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
