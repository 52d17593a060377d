"""Values of each test person, which paired statistics need."""

from __future__ import annotations

import csv
from pathlib import Path

from monai_gan_recon.metrics.conventions import METRICS


def read_people(path: Path) -> dict[str, dict[str, float | None]]:
    """Means of each person by the tested system.

    Args:
        path: ``people_<protocol>.csv`` of an evaluation.

    Returns:
        By person: ``n_slices`` and every metric; None where one does not apply.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == "reconstruction"]
    return {
        row["person"]: {
            "n_slices": int(row["n_slices"]),
            **{name: float(row[name]) if row[name] else None for name in METRICS},
        }
        for row in rows
    }
