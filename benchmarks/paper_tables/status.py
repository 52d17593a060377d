"""The command ``status``."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from benchmarks.paper_tables.grid import Cell, cells
from benchmarks.paper_tables.plan import read_plan
from benchmarks.paper_tables.results import is_finished, read_result
from benchmarks.paper_tables.runner import words
from monai_gan_recon.engines import read_log


def status(options: argparse.Namespace) -> int:
    """Print a line for each cell that is not finished, and how many are what."""
    plan = read_plan(options.output_dir)
    counts: Counter[str] = Counter()
    left = 0.0
    for cell in cells(options.systems, options.sizes, options.rates, options.tracks):
        state = state_of(cell, options.output_dir, options.results_dir)
        counts[state.split(":")[0].split(" ")[0]] += 1
        if state == "finished":
            continue
        left += plan.seconds.get(cell.name, 0.0) if plan else 0.0
        print(f"{cell.title}: {state}")
    print(", ".join(f"{number} {word}" for word, number in counts.items()))
    if plan and left:
        print(f"planned for what is not finished: {words(left)} of one process")
    return 0


def state_of(cell: Cell, output_dir: Path, results_dir: Path) -> str:
    """One of "finished", "failed: reason", "training, N epochs done", or "waiting"."""
    result = read_result(results_dir, cell)
    if is_finished(result):
        return "finished"
    if result is not None:
        return str(result["status"])
    epochs = [len(read_log(log)) for log in output_dir.glob(f"cells/{cell.name}_*/training/training.csv")]
    return f"training, {max(epochs)} epochs done" if epochs else "waiting"
