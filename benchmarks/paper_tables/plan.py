"""From minutes to slice-iterations, so that the whole grid fits.

"slices": one equal number for every system of a size, which falls with the square root of its pixels. Between equal
numbers for all sizes (the largest would get nearly all of the time) and equal time for all sizes (the smallest would
train eight times as long as the largest): 64x128 gets 2.8 times, 128x256 1.4 times what 256x256 gets.

"minutes": every learned cell trains for the same time on the same device, so a light network sees more slices than a
heavy one. On a CPU the full ResNet-50 GAN would else take most of the grid's time.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.paper_tables.configuration import VALIDATION_SLICES, Settings
from benchmarks.paper_tables.grid import MIN_EPOCHS, Cell, Schedule, schedule_of
from benchmarks.paper_tables.worker import run_task
from benchmarks.result_files import write_json

SAFETY = 1.1
"""Predicted seconds are taken this much longer than measured."""

REFERENCE_PIXELS = 256 * 256


@dataclass(frozen=True)
class Speed:
    """Measured seconds of one system at one size.

    Attributes:
        start: of a process until it works.
        train_slice: of one slice-iteration, averaged over the phases of the training; 0 if there is no training.
        test_scan: of a test scan, without its slices.
        test_slice: of a test slice: network and scores.
        slices_per_scan: test slices of a scan.
        scans: number of test scans.
    """

    start: float
    train_slice: float
    test_scan: float
    test_slice: float
    slices_per_scan: float
    scans: int

    def seconds(self, schedule: Schedule | None) -> float:
        """Predicted seconds of a cell, training, validation and test, with the safety margin."""
        test = self.scans * (self.test_scan + self.slices_per_scan * self.test_slice)
        train = 0.0
        if schedule is not None:
            validation = schedule.epochs * VALIDATION_SLICES * self.test_slice
            train = schedule.slice_iterations * self.train_slice + validation
        return SAFETY * (self.start + train + test)


Speeds = Mapping[str, Speed]
"""By a cell's kind."""
Schedules = Mapping[str, Schedule]
"""By a learned cell's kind."""
EQUAL = ("slices", "minutes")
"""What every system of a size gets alike."""


def iterations_of(size_pixels: int, reference: float) -> int:
    """Slice-iterations of a size by the rule.

    Args:
        size_pixels: pixels of a slice.
        reference: slice-iterations of a slice of 256x256.
    """
    return int(reference * math.sqrt(REFERENCE_PIXELS / size_pixels))


def equal_slices(cells: Sequence[Cell], reference: float, batch_size: int) -> Schedules:
    """Schedules with one number of slice-iterations a size; ``reference``: that of 256x256."""
    return {
        cell.kind: schedule_of(iterations_of(cell.shape[0] * cell.shape[1], reference), batch_size)
        for cell in cells
        if cell.learned
    }


def equal_minutes(cells: Sequence[Cell], speeds: Speeds, seconds: float, batch_size: int) -> Schedules:
    """Schedules with which every learned cell trains for this many seconds, by its measured speed."""
    return {
        cell.kind: schedule_of(int(seconds / speeds[cell.kind].train_slice), batch_size)
        for cell in cells
        if cell.learned
    }


def cell_seconds(cells: Sequence[Cell], speeds: Speeds, schedules: Schedules) -> dict[str, float]:
    """Predicted seconds of every cell, by its name."""
    return {cell.name: speeds[cell.kind].seconds(schedules.get(cell.kind)) for cell in cells}


def shares(seconds: Mapping[str, float], count: int) -> list[list[str]]:
    """Split cells over processes: the longest first, each to the process that is free soonest.

    Args:
        seconds: of each cell, by its name.
        count: number of processes.
    """
    loads, parts = [0.0] * count, [[] for _ in range(count)]  # type: tuple[list[float], list[list[str]]]
    for name in sorted(seconds, key=lambda name: (-seconds[name], name)):
        first = loads.index(min(loads))
        loads[first] += seconds[name]
        parts[first].append(name)
    return parts


def duration(seconds: Mapping[str, float], count: int) -> float:
    """Seconds until the last of the processes is done."""
    return max(sum(seconds[name] for name in part) for part in shares(seconds, count))


def fit(
    cells: Sequence[Cell],
    speeds: Speeds,
    minutes: float,
    shards: int,
    batch_size: int,
    equal: str = "slices",
) -> Schedules:
    """The longest schedules with which all cells are done in the given time.

    Args:
        cells: the grid.
        speeds: measured speeds.
        minutes: of wall-clock time, with ``shards`` processes at once.
        shards: number of processes.
        batch_size: slices of a training batch.
        equal: "slices" or "minutes", see above.

    Returns:
        Schedule of each learned system and size.

    Raises:
        ValueError: if even the shortest training does not fit; says what would.
    """

    def planned(reference: float) -> Schedules:
        if equal == "minutes":
            return equal_minutes(cells, speeds, reference, batch_size)
        return equal_slices(cells, reference, batch_size)

    def needed(reference: float) -> float:
        return duration(cell_seconds(cells, speeds, planned(reference)), shards)

    learned = [cell for cell in cells if cell.learned]
    shortest = MIN_EPOCHS * batch_size * 1.001
    if equal == "minutes":
        lowest = shortest * max((speeds[cell.kind].train_slice for cell in learned), default=0.0)
    else:
        largest = max((c.shape[0] * c.shape[1] for c in learned), default=REFERENCE_PIXELS)
        lowest = shortest * max(1.0, math.sqrt(largest / REFERENCE_PIXELS))
    if needed(lowest) > 60 * minutes:
        raise ValueError(
            f"the grid needs at least {math.ceil(needed(lowest) / 60)} minutes, and {max(minutes, 0):.1f} are left of "
            "--budget after measuring (which is kept): raise it, or choose fewer systems, sizes, rates or tracks, "
            "or a larger --slice_step"
        )
    if not learned:
        return {}
    highest = 2 * lowest
    while needed(highest) <= 60 * minutes:
        lowest, highest = highest, 2 * highest
    for _ in range(40):
        middle = (lowest + highest) / 2
        lowest, highest = (middle, highest) if needed(middle) <= 60 * minutes else (lowest, middle)
    return planned(lowest)


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


def existing_plan(folder: Path, minutes: float | None, kinds: Sequence[str], equal: str | None = None) -> Plan | None:
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
    write_json(folder / PLAN, asdict(plan))
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
        write_json(path, kept)
        print(
            f"measured {name}: {1e3 * measured['train_slice']:.0f} ms a training slice, "
            f"{1e3 * measured['test_slice']:.0f} ms a test slice",
            flush=True,
        )
    kinds = {cell.kind for cell in cells}
    return {kind: Speed(**values) for kind, values in known.items() if kind in kinds}
