"""The plan of a budget: measured once, written to a file, reused by every later run."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.paper_tables.budget import Schedules, Speed, Speeds, cell_seconds, fit
from benchmarks.paper_tables.configuration import Settings
from benchmarks.paper_tables.grid import Cell
from benchmarks.paper_tables.process import run_task
from benchmarks.paper_tables.schedule import Schedule
from monai_gan_recon.io.writing import atomic_path

PLAN = "plan.json"
SPEEDS = "speeds.json"


@dataclass(frozen=True)
class Plan:
    """What a run follows; the plan, and not the clock, ends each training.

    Attributes:
        minutes: the budget.
        equal: "slices" or "minutes": what every system of a size gets alike.
        schedules: of each learned kind of cell.
        seconds: predicted, of each cell by its name.
    """

    minutes: float
    equal: str
    schedules: Schedules
    seconds: dict[str, float]


def read_plan(folder: Path) -> Plan | None:
    """The plan of an output folder, None if there is none."""
    path = folder / PLAN
    if not path.exists():
        return None
    content = json.loads(path.read_text())
    schedules = {kind: Schedule(**schedule) for kind, schedule in content["schedules"].items()}
    return Plan(content["minutes"], content["equal"], schedules, content["seconds"])


def existing_plan(
    folder: Path, minutes: float | None, kinds: Sequence[str], equal: str | None = None
) -> Plan | None:
    """The plan to go on with, None if one is to be made.

    Args:
        folder: output folder.
        minutes: the budget asked for; None: whatever the plan has.
        kinds: of the learned cells asked for.
        equal: "slices" or "minutes"; None: whatever the plan has.

    Raises:
        ValueError: if the plan is one of another budget, or lacks a system at a size.
    """
    plan = read_plan(folder)
    if plan is None:
        return None
    if minutes not in (None, plan.minutes):
        raise ValueError(
            f"{folder / PLAN}: is a plan for {plan.minutes:g} minutes; leave --budget out to follow it, "
            "or choose another --output_dir"
        )
    if equal not in (None, plan.equal):
        raise ValueError(
            f"{folder / PLAN}: is a plan of equal {plan.equal}; leave --equal out to follow it, "
            "or choose another --output_dir"
        )
    missing = [kind for kind in kinds if kind not in plan.schedules]
    if missing:
        raise ValueError(
            f"{folder / PLAN}: plans nothing for {', '.join(missing)}; choose other --systems and --sizes or another "
            "--output_dir"
        )
    return plan


def make_plan(
    cells: Sequence[Cell],
    settings: Settings,
    minutes: float,
    shards: int,
    folder: Path,
    equal: str = "slices",
) -> Plan:
    """Measure every system at every size, and fit the grid into the budget less the time that took.

    Raises:
        ValueError: if it cannot fit, or a measurement failed for every system.
    """
    start = time.perf_counter()
    speeds = measure_all(cells, settings, folder)
    left = minutes - (time.perf_counter() - start) / 60
    known = [cell for cell in cells if cell.kind in speeds]
    if not known:
        raise ValueError(f"no system could be measured; see log.txt in the folders of {folder / 'measure'}")
    schedules = fit(known, speeds, left, shards, settings.batch_size, equal)
    if schedules:  # what could not be measured is tried with the shortest, and will say why it fails
        shortest = min(schedules.values(), key=lambda schedule: schedule.slice_iterations)
        schedules = {cell.kind: schedules.get(cell.kind, shortest) for cell in cells if cell.learned}
    plan = Plan(minutes, equal, schedules, cell_seconds(known, speeds, schedules))
    with atomic_path(folder / PLAN) as temporary:
        temporary.write_text(json.dumps(asdict(plan), indent=1) + "\n")
    return plan


def measure_all(cells: Sequence[Cell], settings: Settings, folder: Path) -> Speeds:
    """Speed of each system at each size: measured in turn, one process each, or as an earlier run measured it.

    A system that cannot be measured is left out; its cell will say why it fails.
    """
    path = folder / SPEEDS
    key = f"{settings.device}, {settings.threads} threads, batch {settings.batch_size}, step {settings.slice_step}"
    kept = json.loads(path.read_text()) if path.exists() else {}
    known = kept.setdefault(key, {})
    for name, cell in {cell.kind: cell for cell in cells}.items():
        if name in known:
            continue
        start = time.perf_counter()
        here = folder / "measure" / f"{cell.system}_{cell.size}"
        answer = here / "seconds.json"
        problem = run_task("measure", cell, settings, None, here, folder / "slices", answer)
        wall = time.perf_counter() - start
        if problem is not None:
            print(f"measuring {name} failed: {problem}", flush=True)
            continue
        measured = json.loads(answer.read_text())
        known[name] = {"start": max(wall - measured.pop("inside"), 0.0), **measured}
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(kept, indent=1) + "\n")
        print(
            f"measured {name}: {1e3 * measured['train_slice']:.0f} ms a training slice, "
            f"{1e3 * measured['test_slice']:.0f} ms a test slice",
            flush=True,
        )
    kinds = {cell.kind for cell in cells}
    return {kind: Speed(**values) for kind, values in known.items() if kind in kinds}
