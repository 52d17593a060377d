"""The JSON of a cell, and what two of them say of two systems on the same people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.paper_tables.grid import Cell
from benchmarks.result_files import write_json
from monai_gan_recon.evaluation.statistics import mean_and_ci
from monai_gan_recon.metrics.conventions import IMAGE_METRICS

FINISHED = "finished"
FAILED = "failed: "
"""Status of a cell; after "failed: " stands the reason in one line."""

REQUIRED = (
    "system", "status", "dataset", "track", "pattern", "rate", "size", "plane", "method", "n_people", "n_slices",
    *IMAGE_METRICS, "config_hash", "network_hash", "git_commit", "training_seed", "slice_step", "budget", "device",
    "parameters", "gflop_per_slice", "validation_psnr", "people", "conventions", "versions",
)  # fmt: skip
"""Keys of a finished result: an entry of metrics.json, and what the cell adds."""


def result_path(folder: Path, cell: Cell) -> Path:
    """File of a cell's result."""
    return folder / f"{cell.name}.json"


def write_result(folder: Path, cell: Cell, result: Mapping[str, Any]) -> Path:
    """Write a result under a temporary name and rename it.

    Raises:
        ValueError: if a finished result lacks something.
    """
    missing = [key for key in REQUIRED if key not in result] if result["status"] == FINISHED else []
    if missing:
        raise ValueError(f"{cell.name}: the result lacks {', '.join(missing)}")
    path = result_path(folder, cell)
    write_json(path, result)
    return path


def failure(cell: Cell, reason: str, config_hash: str) -> dict[str, Any]:
    """Result of a cell that failed."""
    return {
        "system": cell.system,
        "status": FAILED + " ".join(reason.split()),
        "size": list(cell.shape),
        "rate": cell.rate,
        "track": cell.track,
        "config_hash": config_hash,
    }


def read_result(folder: Path, cell: Cell) -> dict[str, Any] | None:
    """Result of a cell, None if there is none.

    Raises:
        ValueError: if the file is none of ours.
    """
    path = result_path(folder, cell)
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        status = str(content["status"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: is not the result of a cell; remove it") from error
    lacking = [key for key in REQUIRED if key not in content] if status == FINISHED else []
    if lacking:
        raise ValueError(f"{path}: the result lacks {', '.join(lacking)}; remove it and run the cell again")
    return dict(content)


def is_finished(result: Mapping[str, Any] | None, config_hash: str | None = None) -> bool:
    """Whether a result has numbers, and if a hash is given those of that configuration."""
    return result is not None and result["status"] == FINISHED and config_hash in (None, result["config_hash"])


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
    differences = [float(row[metric]) - float(second["people"][name][metric]) for name, row in first["people"].items()]
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
