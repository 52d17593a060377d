"""The command ``speed``: seconds of a slice, all systems of a size in turn, so that other load meets all alike."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai_gan_recon.networks.estimate import estimate
from torch import nn

from benchmarks.paper_tables.cell import device_name
from benchmarks.paper_tables.configuration import Settings, evaluation_config
from benchmarks.paper_tables.cost import example, gflop_per_slice, parameters
from benchmarks.paper_tables.grid import Cell, parse_size
from monai_gan_recon.engines import keep_freed_memory, resolve_amp
from monai_gan_recon.io.writing import atomic_path


def speed(options: argparse.Namespace) -> int:
    """Measure, print and add to ``speed_<device>.json`` beside the results. The weights do not matter."""
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    path: Path = options.results_dir / f"speed_{options.device.split(':')[0]}.json"
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"sizes": {}}
    content |= {
        "device": device_name(options.device), "threads": options.threads, "rounds": options.rounds,
        "bf16": resolve_amp("auto", options.device), "torch": torch.__version__,
    }  # fmt: skip
    settings = Settings(systems_dir=str(options.systems_dir), device=options.device, threads=options.threads)
    for size in options.sizes:
        content["sizes"].setdefault(size, {}).update(_measure(size, options, settings))
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
    return 0


def _measure(size: str, options: argparse.Namespace, settings: Settings) -> dict[str, dict[str, Any]]:
    """Cost of every system at one size, by its name."""
    calls: dict[str, Callable[[], Any]] = {}
    found: dict[str, dict[str, Any]] = {}
    for system in options.systems:
        config = evaluation_config(Cell(system, size, options.rates[0], "replica"), settings, Path(), None)
        parser = ConfigParser(config)
        parser.parse()
        channels = int(parser.get_parsed_content("channels"))
        network = parser.get_parsed_content("network_def").to(options.device).eval()
        found[system] = {
            "parameters": parameters(network),
            "gflop_per_slice": gflop_per_slice(network, channels, parse_size(size)),
        }
        x = example(channels, parse_size(size)).to(options.device)
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
            return float(estimate(network, x).float().sum())  # the number waits for a GPU

    return call
