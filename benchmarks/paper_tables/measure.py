"""Measure how fast a system trains and tests at a size, in the process that was started for it."""

from __future__ import annotations

import shutil
import statistics
import time
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from monai.bundle import ConfigParser

from benchmarks.paper_tables.configuration import Settings, evaluation_config, training_config
from benchmarks.paper_tables.grid import Cell
from benchmarks.paper_tables.running import run_config
from benchmarks.paper_tables.schedule import Schedule
from monai_gan_recon.data import load_manifest
from monai_gan_recon.evaluation.metrics_file import read_metrics

ITERATIONS = 4
"""Of each phase of the training; the first, which also warms up, does not count."""

TEST_STEPS = (60, 12)
"""One validation scan is tested twice, with every 60th and every 12th slice, to tell its slices from its reading."""


def measure(cell: Cell, settings: Settings, folder: Path, cache: Path) -> dict[str, float]:
    """Seconds of training and testing, on training and validation people.

    Args:
        cell: any cell of the system and size.
        settings: of the run.
        folder: of what is written meanwhile; removed afterwards.
        cache: of the preprocessed slices.

    Returns:
        The fields of :class:`benchmarks.paper_tables.budget.Speed` but ``start``.
    """
    try:
        train = _train_slice(cell, settings, folder / "training", cache) if cell.learned else 0.0
        runs = [
            _test(cell, replace(settings, slice_step=step), folder / f"test_{step}") for step in TEST_STEPS
        ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    (few, short), (many, long) = runs
    more = long - short  # where other load hides what the slices cost, all of it is put down to them
    per_slice = more / (many - few) if many > few and more > 0 else long / many
    dataset_dir = settings.dataset_dir
    return {
        "train_slice": train,
        "test_scan": max(short - few * per_slice, 0.0),
        "test_slice": per_slice,
        "slices_per_scan": many * TEST_STEPS[1] / settings.slice_step,
        "scans": len(load_manifest(settings.datalist, dataset_dir).section("testing")),
    }


def _train_slice(cell: Cell, settings: Settings, folder: Path, cache: Path) -> float:
    """Seconds of a slice-iteration, the phases with and without the adversary weighted as in a training."""
    config = training_config(cell, settings, Schedule(1, ITERATIONS * settings.batch_size), folder, cache)
    fraction = float(ConfigParser(deepcopy(config)).get_parsed_content("gan_fraction"))
    both = 0 < fraction < 1
    config |= {"max_epochs": 2 if both else 1, "gan_fraction": 0.5 if both else fraction, "val_slices": 1}
    epochs: dict[int, list[float]] = {}

    def watch(parser: ConfigParser) -> None:
        trainer: Engine = parser.get_parsed_content("trainer")
        began = 0.0

        def begin(_engine: Engine) -> None:
            nonlocal began
            began = time.perf_counter()

        def end(engine: Engine) -> None:
            float(engine.state.output["loss"])  # waits for a GPU
            epochs.setdefault(engine.state.epoch, []).append(time.perf_counter() - began)

        trainer.add_event_handler(Events.GET_BATCH_STARTED, begin)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, end)

    run_config(config, watch)
    phases = [statistics.median(times[1:] or times) / settings.batch_size for times in epochs.values()]
    return phases[0] * (1 - fraction) + phases[1] * fraction if both else phases[0]


def _test(cell: Cell, settings: Settings, folder: Path) -> tuple[int, float]:
    """Number of slices and seconds of a test of one validation scan, by untrained weights."""
    config: dict[str, Any] = evaluation_config(cell, settings, folder, None)
    config["entries"] = "$inference.manifest_entries(@manifest, 'validation')[:1]"
    began = [0.0]

    def start(_parser: ConfigParser) -> None:
        began[0] = time.perf_counter()

    run_config(config, start)
    seconds = time.perf_counter() - began[0]
    return int(read_metrics(folder / "metrics.json")["results"][0]["n_slices"]), seconds
