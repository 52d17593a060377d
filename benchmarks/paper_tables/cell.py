"""Train and test one cell, in the process that was started for it: its numbers, its cost, a slice for the figures."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import time
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.paper_tables.configuration import (
    Settings,
    cell_hash,
    evaluation_config,
    run_config,
    training_config,
)
from benchmarks.paper_tables.grid import ROOT, Cell, Schedule
from benchmarks.paper_tables.results import FINISHED
from benchmarks.result_files import write_json
from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.engines import read_log
from monai_gan_recon.engines.runtime import resolve_amp
from monai_gan_recon.evaluation.metrics_file import RECONSTRUCTION, file_stem
from monai_gan_recon.measurement import magnitude
from monai_gan_recon.metrics.conventions import METRICS


def parameters(network: nn.Module) -> int:
    """Number of trained parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def gflop_per_slice(network: nn.Module, size: Sequence[int]) -> float | None:
    """Floating-point operations of one slice in 10^9, two for each multiply-add.

    Counted by ``torch.utils.flop_counter``: convolutions and matrix products, not Fourier transforms, norms and
    activations.

    Args:
        network: the network, on any device.
        size: (H, W).

    Returns:
        The number; None where nothing is counted (systems without a network).
    """
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network.eval()(example(size).to(_device(network)))
    total = counter.get_total_flops()
    return round(total / 1e9, 4) if total else None


def example(size: Sequence[int]) -> torch.Tensor:
    """Network input (1, 4, H, W) of a random slice: one coil, 30 % of the columns, no noise."""
    x = torch.rand(1, 4, *size, generator=torch.Generator().manual_seed(0))
    x[:, 2] = (x[:, 2, :1] < 0.3).float()
    x[:, 3] = 0
    return x


def _device(network: nn.Module) -> torch.device:
    return next((p.device for p in network.parameters()), torch.device("cpu"))


TRAINED = "trained.json"
"""Written in a cell's folder when its training is complete."""


def run_cell(cell: Cell, settings: Settings, schedule: Schedule | None, folder: Path, cache: Path) -> dict[str, Any]:
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
    network = parser.get_parsed_content("network")
    save_figure_slice(content, network, folder)
    metrics = RECONSTRUCTION.read(folder / "test" / "metrics.json")
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
        "gflop_per_slice": gflop_per_slice(network, cell.shape),
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
        write_json(done, record)
    found: dict[str, Any] = json.loads(done.read_text())
    return found


def git_commit() -> str | None:
    """Commit that is checked out, "+" if package, bundles or compared systems differ from it; None without git."""

    def git(*arguments: str) -> str | None:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    changed = git(
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        "monai_gan_recon",
        "bundles",
        "benchmarks/systems",
    )
    return commit and commit + ("+" if changed else "")


def device_name(device: str) -> str:
    """What computed: "cpu", or the GPU's model."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


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


SLICE = 105
"""Of the first test scan: shows the corpus callosum and the hippocampi of OASIS 1101."""

SLICE_FILE = "figure_slice.npz"


def save_figure_slice(content: dict[str, Any], network: nn.Module, folder: Path) -> Path:
    """Reconstruct the slice and save ``reference``, ``zero_filled`` and ``reconstruction`` (H, W) in float32.

    Args:
        content: of the cell's evaluation configuration.
        network: the tested network, on its device.
        folder: of the cell.

    Returns:
        The file.
    """
    config = deepcopy(content)
    for step in config["preprocessing"]["transforms"]:
        if step["_target_"].endswith("KeepSlicesd"):
            step.update(step=1, only=SLICE)
    parser = ConfigParser(config)
    parser.parse()
    scan = parser.get_parsed_content("entries")[0]
    item = parser.get_parsed_content("preprocessing")(dict(scan))
    block = item["scan"].block(0, 1)
    with torch.no_grad():
        found = network.eval()(block["input"].to(_device(network))).float().cpu()
    images = {"reference": block["target"], "zero_filled": block["zero_filled"], "reconstruction": found}
    path = folder / SLICE_FILE
    with atomic_path(path) as temporary:
        arrays: dict[str, Any] = {name: magnitude(image)[0, 0].numpy() for name, image in images.items()}
        np.savez_compressed(temporary, **arrays)
    return path
