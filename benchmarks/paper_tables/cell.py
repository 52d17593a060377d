"""Train and test one cell, in the process that was started for it."""

from __future__ import annotations

import json
import math
import subprocess
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.paper_tables.configuration import Settings, cell_hash, evaluation_config, training_config
from benchmarks.paper_tables.cost import gflop_per_slice, parameters
from benchmarks.paper_tables.figure_slice import save_figure_slice
from benchmarks.paper_tables.grid import ROOT, Cell
from benchmarks.paper_tables.people import read_people
from benchmarks.paper_tables.results import FINISHED
from benchmarks.paper_tables.running import run_config
from benchmarks.paper_tables.schedule import Schedule
from monai_gan_recon.engines import read_log
from monai_gan_recon.engines.precision import resolve_amp
from monai_gan_recon.evaluation.metrics_file import file_stem, read_metrics
from monai_gan_recon.io.writing import atomic_path

TRAINED = "trained.json"
"""Written in a cell's folder when its training is complete."""


def run_cell(
    cell: Cell, settings: Settings, schedule: Schedule | None, folder: Path, cache: Path
) -> dict[str, Any]:
    """Train (or go on from the checkpoint, or not if it is done) and test.

    Args:
        cell: the cell.
        settings: of the run.
        schedule: of the training; None for a system that has none.
        folder: of the cell; its name tells configurations apart.
        cache: of the preprocessed slices.

    Returns:
        The result, see :mod:`benchmarks.paper_tables.results`.
    """
    trained = _train(cell, settings, schedule, folder, cache) if schedule is not None else {}
    start = time.perf_counter()
    weights = folder / "training" / "checkpoints" / "model.pt" if schedule is not None else None
    content = evaluation_config(cell, settings, folder / "test", weights)
    parser = run_config(content)
    test_seconds = time.perf_counter() - start
    network, channels = parser.get_parsed_content("network"), int(parser.get_parsed_content("channels"))
    save_figure_slice(content, network, folder)
    metrics = read_metrics(folder / "test" / "metrics.json")
    entry = next(entry for entry in metrics["results"] if entry["method"] == "reconstruction")
    return {
        "system": cell.system,
        "status": FINISHED,
        **entry,
        "config_hash": cell_hash(cell, settings, schedule),
        "network_hash": entry["config_hash"],
        "git_commit": git_commit(),
        "training_seed": settings.seed,
        "slice_step": settings.slice_step,
        "budget": {
            "slice_iterations": trained.get("slice_iterations", 0),
            "epochs": schedule.epochs if schedule else 0,
            "batch_size": settings.batch_size,
            "training_seconds": trained.get("training_seconds", 0.0),
            "test_seconds": round(test_seconds, 1),
            "threads": settings.threads,
        },
        "device": device_name(settings.device),
        "bf16": resolve_amp(parser.get_parsed_content("amp"), settings.device),
        "parameters": parameters(network),
        "gflop_per_slice": gflop_per_slice(network, channels, cell.shape),
        "validation_psnr": trained.get("validation_psnr", []),
        "validation_ssim": trained.get("validation_ssim", []),
        "people": read_people(folder / "test" / f"people_{file_stem(entry)}.csv"),
        "conventions": metrics["conventions"],
        "versions": metrics["versions"],
    }


def _train(cell: Cell, settings: Settings, schedule: Schedule, folder: Path, cache: Path) -> dict[str, Any]:
    """Train unless it is done; what is known of the training."""
    done = folder / TRAINED
    if not done.exists():
        run_config(training_config(cell, settings, schedule, folder / "training", cache))
        rows = read_log(folder / "training" / "training.csv")
        curve = [float(row["val_psnr"]) for row in rows]
        if not all(math.isfinite(value) for value in curve):
            raise ValueError("diverged: the validation PSNR is not finite")
        record = {
            "slice_iterations": int(rows[-1]["iteration"]) * settings.batch_size,
            "training_seconds": round(sum(float(row["seconds"]) for row in rows), 1),
            "validation_psnr": [round(value, 4) for value in curve],
            "validation_ssim": [round(float(row["val_ssim"]), 5) for row in rows],
        }
        with atomic_path(done) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n")
    found: dict[str, Any] = json.loads(done.read_text())
    return found


def git_commit() -> str | None:
    """The commit that is checked out, with "+" if the package or a bundle differs from it; None without git."""

    def git(*arguments: str) -> str | None:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "monai_gan_recon", "bundles")
    return commit and commit + ("+" if changed else "")


def device_name(device: str) -> str:
    """What computed: "cpu", or the GPU's model."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
