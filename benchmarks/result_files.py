"""Committed result files of the benchmarks, and how their measures are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def read_results(name: str) -> list[dict[str, Any]]:
    """Results of ``benchmarks/results/NAME.json``, one dictionary a protocol."""
    found: list[dict[str, Any]] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))[
        "results"
    ]
    return found


def number(measure: dict[str, float | None], style: str) -> str:
    """Mean ± 95 % confidence interval; a sign in the style is the mean's alone."""
    if measure["mean"] is None:
        return "-"
    interval = "" if measure["ci95"] is None else f" ± {measure['ci95']:{style.lstrip('+')}}"
    return f"{measure['mean']:{style}}{interval}"
