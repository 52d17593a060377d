"""The JSON of a cell: written once, complete, without anything of the machine it was made on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.paper_tables.grid import Cell
from monai_gan_recon.io.writing import atomic_path
from monai_gan_recon.metrics.conventions import METRICS

FINISHED = "finished"
FAILED = "failed: "
"""Status of a cell; after "failed: " stands the reason in one line."""

REQUIRED = (
    "system", "status", "dataset", "track", "pattern", "rate", "size", "plane", "method", "n_people", "n_slices",
    *METRICS, "config_hash", "network_hash", "git_commit", "training_seed", "slice_step", "budget", "device",
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
    with atomic_path(path) as temporary:
        text = json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
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
    return (
        result is not None and result["status"] == FINISHED and config_hash in (None, result["config_hash"])
    )
