"""The command ``run``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.paper_tables.budget import EQUAL, Schedules
from benchmarks.paper_tables.configuration import Settings
from benchmarks.paper_tables.grid import Cell, cells
from benchmarks.paper_tables.plan import Plan, existing_plan, make_plan
from benchmarks.paper_tables.runner import Run, of_shard, run_cells, words
from benchmarks.paper_tables.schedule import schedule_of
from monai_gan_recon.data import load_manifest


def run(options: argparse.Namespace) -> int:
    """Train and test what the command line asks for.

    Returns:
        Exit code: 1 if a cell failed.

    Raises:
        ValueError: in one line, for what the user has to repair.
    """
    settings = Settings(
        datalist=options.datalist,
        dataset_dir=options.dataset_dir,
        systems_dir=str(options.systems_dir.resolve()),
        batch_size=options.batch_size,
        seed=options.seed,
        slice_step=options.slice_step,
        device=options.device,
        threads=options.threads,
    )
    manifest = load_manifest(settings.datalist, settings.dataset_dir)
    for section in ("training", "validation", "testing"):
        manifest.section(section)
    grid = cells(options.systems, options.sizes, options.rates, options.tracks)
    seconds: dict[str, float] = {}
    if options.slice_iterations is not None:
        one = schedule_of(options.slice_iterations, options.batch_size)
        schedules: Schedules = {cell.kind: one for cell in grid if cell.learned}
    else:
        plan = find_plan(options, grid, settings)
        schedules, seconds = plan.schedules, plan.seconds
    mine = of_shard(grid, seconds, options.shard)
    for kind in dict.fromkeys(cell.kind for cell in mine if cell.kind in schedules):
        number, epochs = schedules[kind].slice_iterations, schedules[kind].epochs
        print(f"{kind}: {number} slice-iterations in {epochs} epochs", flush=True)
    failed = run_cells(Run(settings, schedules, seconds, options.output_dir, options.results_dir), mine)
    if failed:
        print(f"{len(failed)} of {len(mine)} cells failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def find_plan(options: argparse.Namespace, grid: Sequence[Cell], settings: Settings) -> Plan:
    """The plan of the output folder; with a budget one is made, by the first shard for all.

    Raises:
        ValueError: if there is neither plan nor budget, or they do not go together.
    """
    folder: Path = options.output_dir
    kinds = list(dict.fromkeys(cell.kind for cell in grid if cell.learned))
    plan = existing_plan(folder, options.budget, kinds, options.equal)
    if plan is None and not kinds and options.budget is None:
        return Plan(0.0, EQUAL[0], {}, {})
    if plan is None and options.budget is None:
        raise ValueError("how long to train? Give --budget MINUTES or --slice_iterations N")
    number, count = options.shard
    if plan is None and number == 0:
        plan = make_plan(grid, settings, options.budget, count, folder, options.equal or EQUAL[0])
        print(f"the plan takes {words(sum(plan.seconds.values()) / count)}", flush=True)
    while plan is None:
        print("waiting for the plan of the first part (--shard 0/...)", flush=True)
        time.sleep(10)
        plan = existing_plan(folder, options.budget, kinds, options.equal)
    return plan
