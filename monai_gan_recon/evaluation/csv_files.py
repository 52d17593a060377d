"""CSV files of the scores: one row a slice and method, one row a person and method."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from monai_gan_recon.evaluation.results import PersonRow, SliceRow
from monai_gan_recon.io.writing import atomic_path
from monai_gan_recon.metrics.conventions import METRICS


def write_slices_csv(rows: Sequence[SliceRow], path: str | Path) -> Path:
    """Write person, case, slice, method and all metrics; cells are empty where a metric does not apply."""
    header = ("person", "case", "slice", "method", *METRICS)
    lines = ([r.person, r.case, r.slice, r.method, *_cells(r.metrics.get(m) for m in METRICS)] for r in rows)
    return _write(header, lines, Path(path))


def write_people_csv(people: Sequence[PersonRow], path: str | Path) -> Path:
    """Write person, method, number of slices and the mean of all metrics over them."""
    header = ("person", "method", "n_slices", *METRICS)
    lines = ([p.person, p.method, p.n_slices, *_cells(p.metrics[m] for m in METRICS)] for p in people)
    return _write(header, lines, Path(path))


def _cells(values: Iterable[float | None]) -> list[str]:
    return ["" if value is None or math.isnan(value) else f"{value:.7g}" for value in values]


def _write(header: Sequence[str], lines: Iterable[Sequence[object]], path: Path) -> Path:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)
    return path
