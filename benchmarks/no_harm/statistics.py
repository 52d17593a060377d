"""From slices' scores to a cell: means over people, gains over zero-filled and over the best classical method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.no_harm.methods import CLASSICAL, ESTIMATED, ZERO_FILLED
from benchmarks.no_harm.scores import METRICS, Row
from monai_gan_recon.evaluation.statistics import mean_and_ci, mean_of

JUDGED = ("psnr_head", "ssim_head")
"""Measures in which doing harm is told."""

People = Mapping[str, Mapping[str, float | None]]


def by_person(rows: Iterable[Row]) -> dict[str, dict[str, float | None]]:
    """Mean scores of each person over scans, slices and masks."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(str(row["person"]), []).append(row)
    return {
        person: {metric: mean_of(row[metric] for row in group) for metric in METRICS}
        for person, group in groups.items()
    }


def difference(first: People, second: People, metric: str = "psnr_head") -> list[float]:
    """``first`` minus ``second``, of each person that both have a score of."""
    found = []
    for person, scores in first.items():
        values = scores[metric], second.get(person, {}).get(metric)
        if values[0] is not None and values[1] is not None:
            found.append(values[0] - values[1])
    return found


def share(conditions: Iterable[bool]) -> float | None:
    """Share of what is true, None of nothing."""
    found = list(conditions)
    return sum(found) / len(found) if found else None


def harmless(people: People, zero_filled: People) -> float | None:
    """Share of people whose PSNR and SSIM inside the head are at least those of their zero-filled images."""
    differences = [difference(people, zero_filled, metric) for metric in JUDGED]
    return share(all(value >= 0 for value in values) for values in zip(*differences, strict=True))


def best_classical(columns: Mapping[str, People]) -> str | None:
    """The classical method of the highest mean PSNR inside the head; None if none was tried."""
    means = {
        name: mean_of(scores["psnr_head"] for scores in people.values())
        for name, people in columns.items()
        if name in CLASSICAL
    }
    known = {name: mean for name, mean in means.items() if mean is not None}
    return max(known, key=known.__getitem__, default=None)


def summarise(rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """A cell of the table.

    Args:
        rows: of each column, the zero-filled one among them.

    Returns:
        ``people``, ``slices``, ``best_classical``, and by column: mean and 95 % confidence interval over people of each
        metric, ``gain`` over zero-filled and ``lead`` over the best classical method in dB inside the head (within each
        person), ``harmless`` and ``better``: shares of people that lose nothing against zero-filled, and whose images
        are better than the best classical method's.
    """
    columns = {name: by_person(found) for name, found in rows.items()}
    base, best = columns[ZERO_FILLED], best_classical(columns)
    result: dict[str, Any] = {}
    for name, people in columns.items():
        means = {metric: mean_and_ci(scores[metric] for scores in people.values()) for metric in METRICS}
        result[name] = {
            **means,
            "gain": mean_and_ci(difference(people, base)),
            "harmless": harmless(people, base),
        }
        if best is not None:
            lead = difference(people, columns[best])
            result[name] |= {"lead": mean_and_ci(lead), "better": share(value > 0 for value in lead)}
    counts = {"people": len(base), "slices": len(rows[ZERO_FILLED])}
    return {**counts, "best_classical": best, "columns": result}


def verdict(cells: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """How some weights do over all cells, the worse of given and estimated noise in each.

    Args:
        cells: see :func:`summarise`, with the cell's ``name``.
        name: of the weights.

    Returns:
        ``cells``; cells whose mean PSNR and SSIM inside the head are not below zero-filled, those in which that is so
        for 95 % of the people, too; and, of the cells with a classical method, those with a lead of at least 0, the
        median and least lead in dB. ``harmful`` and ``behind`` name the others.
    """
    harmful, behind, leads, steady = [], [], [], 0
    tried = [cell for cell in cells if name in cell["columns"]]
    for cell in tried:
        columns = [cell["columns"][key] for key in (name, name + ESTIMATED) if key in cell["columns"]]
        base = cell["columns"][ZERO_FILLED]
        if any(column[metric]["mean"] < base[metric]["mean"] for column in columns for metric in JUDGED):
            harmful.append(cell["name"])
        elif all((column["harmless"] or 0) >= 0.95 for column in columns):
            steady += 1
        if cell["best_classical"] is not None:
            leads.append(min(column["lead"]["mean"] for column in columns))
            behind += [cell["name"]] if leads[-1] < 0 else []
    return {
        "cells": len(tried),
        "no_harm": len(tried) - len(harmful),
        "no_harm_for_95_percent": steady,
        "compared": len(leads),
        "ahead": len(leads) - len(behind),
        "median_lead": median(leads) if leads else None,
        "least_lead": min(leads, default=None),
        "harmful": harmful,
        "behind": behind,
    }
