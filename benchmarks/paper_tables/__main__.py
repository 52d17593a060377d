"""Every system of the paper's tables, under one protocol.

    python -m benchmarks.paper_tables run --budget 600      # train and test the whole grid in ten hours
    python -m benchmarks.paper_tables status
    python -m benchmarks.paper_tables speed
    python -m benchmarks.paper_tables report                # docs/paper_tables.md and its figures

Results are one JSON a cell in ``benchmarks/paper_tables/results``; checkpoints and logs go to ``--output_dir``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.paper_tables.grid import RATES, RESULTS_DIR, SIZES, SYSTEMS, TRACKS, parse_size
from benchmarks.paper_tables.plan import EQUAL
from monai_gan_recon.errors import exit_code

MODULES = {"run": "run", "status": "run", "report": "report", "speed": "speed"}
"""Module of each command."""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line of ``python -m benchmarks.paper_tables``."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.paper_tables",
        description="Every system of the paper's tables under one protocol: train, test, report.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="train and test the cells of a grid", description=_RUN)
    _grid_options(run)
    budget = run.add_mutually_exclusive_group()
    budget.add_argument("--budget", type=float, metavar="MINUTES", help="fit the whole grid into this time")
    budget.add_argument("--slice_iterations", type=int, metavar="N", help="slices each generator sees")
    run.add_argument("--equal", choices=EQUAL, help="of a --budget: what systems get alike (default slices)")
    run.add_argument("--batch_size", type=int, default=4, help="slices of a training batch (default 4)")
    run.add_argument("--seed", type=int, default=0, help="of the training (default 0)")
    run.add_argument("--slice_step", type=int, default=1, metavar="N", help="test every N-th slice (default 1)")
    run.add_argument("--device", default="cpu", help="such as cuda:0 (default cpu)")
    run.add_argument("--threads", type=int, default=1, help="threads of a cell's process (default 1)")
    run.add_argument("--shard", type=_shard, default=(0, 1), metavar="I/N", help="do the I-th of N parts, from 0")
    run.add_argument("--datalist", default="oasis_malc", help="data manifest, name or file")
    run.add_argument("--dataset_dir", default=None, help="folder of its files")
    run.add_argument(
        "--systems_dir",
        type=os.path.abspath,
        help="folder of the systems' YAML files, instead of the usual ones",
    )
    status = commands.add_parser("status", help="say what is done, under way, failed and missing")
    _grid_options(status)
    report = commands.add_parser("report", help="render docs/paper_tables.md and its figures from the results")
    report.add_argument("--output_dir", type=Path, default=_OUTPUT, help="where run kept its slices for figures")
    speed = commands.add_parser("speed", help="measure seconds per slice of all systems, taking turns")
    _grid_options(speed)
    speed.add_argument("--device", default="cpu")
    speed.add_argument("--threads", type=int, default=1)
    speed.add_argument("--rounds", type=int, default=5, help="turns of each system (default 5)")
    speed.add_argument("--systems_dir", type=os.path.abspath)
    options = parser.parse_args(arguments)
    if getattr(options, "equal", None) and options.slice_iterations is not None:
        parser.error("--equal: goes with --budget; --slice_iterations gives all systems the same number of slices")
    for name in ("batch_size", "slice_step", "threads", "rounds", "slice_iterations"):
        if getattr(options, name, None) is not None and getattr(options, name) < 1:
            parser.error(f"--{name}: give a whole number of at least 1, got {getattr(options, name)}")
    return options


_OUTPUT = Path("outputs") / "paper_tables"
_RUN = (
    "A cell is a system at a size, a rate and a track. Finished cells are skipped, half-trained ones go on from "
    "their checkpoint. Give --budget or --slice_iterations, or neither to follow the plan of an earlier --budget."
)


def _grid_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), metavar="SYSTEM",
                        help=f"of {', '.join(SYSTEMS)}")  # fmt: skip
    parser.add_argument("--sizes", nargs="+", type=_size, default=list(SIZES), metavar="HxW")
    parser.add_argument("--rates", nargs="+", type=_rate, default=list(RATES), metavar="RATE")
    parser.add_argument("--tracks", nargs="+", choices=TRACKS, default=list(TRACKS), metavar="TRACK")
    parser.add_argument("--output_dir", type=Path, default=_OUTPUT, help="checkpoints, logs, plan")
    parser.add_argument("--results_dir", type=Path, default=RESULTS_DIR, help="one JSON a cell")


def _size(text: str) -> str:
    try:
        parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 1:
        raise argparse.ArgumentTypeError(f"a rate is a fraction of k-space in (0, 1], got {text!r}")
    return rate


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and int(number) < int(count)):
        raise argparse.ArgumentTypeError(f"a part is I/N with I from 0 to N - 1, such as 0/2; got {text!r}")
    return int(number), int(count)


def main() -> int:
    """Run the command of the command line; errors that its user can repair are one line."""
    options = parse()
    module = importlib.import_module(f"benchmarks.paper_tables.{MODULES[options.command]}")
    command = getattr(module, options.command)
    return exit_code(lambda: command(options))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no process of a cell is left behind
    sys.exit(main())
