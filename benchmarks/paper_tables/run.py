"""The commands ``run`` and ``status``: the cells of a grid one after another; what is done is skipped."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.paper_tables.configuration import Settings, cell_hash
from benchmarks.paper_tables.grid import Cell, Schedule, cells, schedule_of, system_file
from benchmarks.paper_tables.plan import EQUAL, Plan, Schedules, existing_plan, make_plan, read_plan, shares
from benchmarks.paper_tables.results import failure, is_finished, read_result, write_result
from benchmarks.paper_tables.worker import run_task
from monai_gan_recon.data import load_manifest
from monai_gan_recon.engines import check_device, read_log

Task = Callable[[str, Cell, Settings, Schedule | None, Path, Path, Path], str | None]


@dataclass(frozen=True)
class Run:
    """What is run where.

    Attributes:
        settings: shared by all cells.
        schedules: of each learned kind of cell.
        seconds: predicted seconds of the cells, as far as known; they split the shards and tell the time left.
        output_dir: folder of checkpoints and logs.
        results_dir: folder of the cells' JSON files.
    """

    settings: Settings
    schedules: Mapping[str, Schedule]
    seconds: Mapping[str, float]
    output_dir: Path
    results_dir: Path

    def schedule(self, cell: Cell) -> Schedule | None:
        """Length of a cell's training, None where nothing is trained."""
        return self.schedules[cell.kind] if cell.learned else None

    def hash_of(self, cell: Cell) -> str:
        """Hash of a cell's configuration; "" if its system has none."""
        try:
            return cell_hash(cell, self.settings, self.schedule(cell))
        except FileNotFoundError:
            return ""

    def folder(self, cell: Cell) -> Path:
        """Folder of a cell, another one for every configuration, so that no checkpoint is mistaken for another's."""
        return self.output_dir / "cells" / f"{cell.name}_{self.hash_of(cell)[:8]}"

    def finished(self, cell: Cell) -> bool:
        """Whether the cell's result is there and of this configuration."""
        found = self.hash_of(cell)
        return bool(found) and is_finished(read_result(self.results_dir, cell), found)


def of_shard(cells: Sequence[Cell], seconds: Mapping[str, float], shard: tuple[int, int]) -> list[Cell]:
    """The cells of one of several processes, in the grid's order.

    Args:
        cells: the grid.
        seconds: predicted, as far as known; the others count as their mean (all alike if none is known).
        shard: (number of this process, number of processes).
    """
    known = [seconds[cell.name] for cell in cells if cell.name in seconds]
    usual = sum(known) / len(known) if known else 1.0
    mine = set(shares({cell.name: seconds.get(cell.name, usual) for cell in cells}, shard[1])[shard[0]])
    return [cell for cell in cells if cell.name in mine]


def run_cells(run: Run, cells: Sequence[Cell], task: Task = run_task) -> list[str]:
    """Train and test cell after cell; one that fails leaves the others alone and says so in its result.

    Args:
        run: what is run where.
        cells: of this process.
        task: starts the process of a cell.

    Returns:
        Titles of the cells that failed.
    """
    waiting = [cell for cell in cells if not run.finished(cell)]
    if len(waiting) < len(cells):
        print(f"{len(cells) - len(waiting)} of {len(cells)} cells are finished already", flush=True)
    failed, spent = [], []
    for number, cell in enumerate(waiting):
        place = f"[{number + 1}/{len(waiting)}] {cell.title}"
        print(f"{place} ...", flush=True)
        start = time.perf_counter()
        problem = _run_cell(run, cell, task)
        seconds = time.perf_counter() - start
        spent.append((cell, seconds))
        left = time_left(waiting[number + 1 :], spent, run.seconds)
        result = read_result(run.results_dir, cell)
        if problem is not None or result is None:
            failed.append(cell.title)
            outcome = f"failed: {problem}"
        else:
            outcome = f"{result['psnr']['mean']:.2f} dB, SSIM {result['ssim']['mean']:.4f}"
        print(f"{place}: {outcome}; {words(seconds)}, {words(left)} left", flush=True)
    return failed


def _run_cell(run: Run, cell: Cell, task: Task) -> str | None:
    folder, found = run.folder(cell), run.hash_of(cell)
    if not found:
        file = system_file(cell.system, run.settings.systems_dir)
        problem: str | None = f"no configuration {file.name} in {file.parent.name}/"
    else:
        slices = run.output_dir / "slices"
        problem = task("cell", cell, run.settings, run.schedule(cell), folder, slices, run.results_dir)
    if problem is not None:
        write_result(run.results_dir, cell, failure(cell, problem, found))
    return problem


def time_left(waiting: Sequence[Cell], spent: Sequence[tuple[Cell, float]], predicted: Mapping[str, float]) -> float:
    """Seconds that the waiting cells will take.

    Predicted seconds are corrected by how the done cells compared with theirs; a cell without a prediction takes as
    long as the done ones did on average.
    """
    done = [(predicted[cell.name], seconds) for cell, seconds in spent if cell.name in predicted]
    factor = sum(s for _, s in done) / sum(p for p, _ in done) if done else 1.0
    mean = sum(seconds for _, seconds in spent) / len(spent) if spent else 0.0
    return sum(factor * predicted[c.name] if c.name in predicted else mean for c in waiting)


def words(seconds: float) -> str:
    """Seconds as "45 s", "12 min" or "3 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


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
        systems_dir=options.systems_dir,
        batch_size=options.batch_size,
        seed=options.seed,
        slice_step=options.slice_step,
        device=options.device,
        threads=options.threads,
    )
    check_device(settings.device)
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
