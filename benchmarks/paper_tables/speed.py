"""How fast systems are: measured in a process of its own for a plan, or in turn for the table of costs."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigParser
from torch import nn

from benchmarks.paper_tables.cell import device_name, example, gflop_per_slice, parameters
from benchmarks.paper_tables.configuration import Settings, evaluation_config, run_config, training_config
from benchmarks.paper_tables.grid import Cell, Schedule, parse_size
from benchmarks.result_files import write_json
from monai_gan_recon.data import load_manifest
from monai_gan_recon.engines import check_device, keep_freed_memory, resolve_amp
from monai_gan_recon.evaluation.metrics_file import RECONSTRUCTION

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
        The fields of :class:`benchmarks.paper_tables.plan.Speed` but ``start``.
    """
    try:
        train = _train_slice(cell, settings, folder / "training", cache) if cell.learned else 0.0
        runs = [_test(cell, replace(settings, slice_step=step), folder / f"test_{step}") for step in TEST_STEPS]
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
        trainer: Engine = parser.get_parsed_content("train::trainer")
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
    return int(RECONSTRUCTION.read(folder / "metrics.json")["results"][0]["n_slices"]), seconds


def speed(options: argparse.Namespace) -> int:
    """Measure, print and add to ``speed_<device>.json`` beside the results. The weights do not matter."""
    settings = Settings(systems_dir=options.systems_dir, device=options.device, threads=options.threads)
    check_device(options.device)
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    path: Path = options.results_dir / f"speed_{options.device.split(':')[0]}.json"
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"sizes": {}}
    content |= {
        "device": device_name(options.device), "threads": options.threads, "rounds": options.rounds,
        "bf16": resolve_amp("auto", options.device), "torch": torch.__version__,
    }  # fmt: skip
    for size in options.sizes:
        content["sizes"].setdefault(size, {}).update(_measure(size, options, settings))
    write_json(path, content)
    return 0


def _measure(size: str, options: argparse.Namespace, settings: Settings) -> dict[str, dict[str, Any]]:
    """Cost of every system at one size, by its name."""
    calls: dict[str, Callable[[], Any]] = {}
    found: dict[str, dict[str, Any]] = {}
    for system in options.systems:
        config = evaluation_config(Cell(system, size, options.rates[0], "replica"), settings, Path(), None)
        parser = ConfigParser(config)
        parser.parse()
        network = parser.get_parsed_content("network_def").to(options.device).eval()
        found[system] = {
            "parameters": parameters(network),
            "gflop_per_slice": gflop_per_slice(network, parse_size(size)),
        }
        x = example(parse_size(size)).to(options.device)
        calls[system] = _call(network, x, options.device)
    for system, seconds in take_turns(calls, options.rounds).items():
        found[system]["seconds_per_slice"] = round(seconds, 5)
        print(f"{system} {size}: {seconds:.4f} s a slice", flush=True)
    return found


def take_turns(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median seconds of each call over the rounds, after one to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def _call(network: nn.Module, x: torch.Tensor, device: str) -> Callable[[], Any]:
    """One slice through a network, as the evaluation does it."""
    kind = torch.device(device).type

    def call() -> float:
        with (
            torch.inference_mode(),
            torch.autocast(kind, torch.bfloat16, enabled=resolve_amp("auto", device)),
        ):
            return float(network(x).float().sum())  # the number waits for a GPU

    return call
