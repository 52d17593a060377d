"""The process of one task: ``python -m benchmarks.paper_tables.worker TASK.json``, started by ``run``.

TASK.json says which cell is to be trained and tested, or measured, and where the answer goes. What goes wrong is one
line in the file ``failure`` beside it; a process that is killed leaves none.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.paper_tables.cell import run_cell
from benchmarks.paper_tables.configuration import Settings
from benchmarks.paper_tables.grid import ROOT, Cell, Schedule
from benchmarks.paper_tables.results import write_result
from benchmarks.paper_tables.speed import measure
from benchmarks.result_files import write_json
from monai_gan_recon.errors import one_line


def run_task(
    kind: str,
    cell: Cell,
    settings: Settings,
    schedule: Schedule | None,
    folder: Path,
    cache: Path,
    answer: Path,
) -> str | None:
    """Run a task in a process of its own, with its output in ``log.txt`` of the task's folder.

    Args:
        kind: "cell" or "measure".
        cell: what is trained and tested, or measured.
        settings: of the run.
        schedule: of a learned system's cell, else None.
        folder: of the task.
        cache: of the preprocessed slices.
        answer: folder of the cell's result, or file of the measured seconds.

    Returns:
        None if it succeeded, else the reason in one line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    failure, task = folder / "failure", folder / "task.json"
    failure.unlink(missing_ok=True)
    content = {
        "kind": kind,
        "cell": asdict(cell),
        "settings": asdict(settings),
        "schedule": asdict(schedule) if schedule else None,
        "folder": str(folder.resolve()),
        "cache": str(cache.resolve()),
        "answer": str(answer.resolve()),
    }
    write_json(task, content)
    command = [sys.executable, "-m", "benchmarks.paper_tables.worker", str(task.resolve())]
    with (folder / "log.txt").open("a") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(settings.threads), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            code = process.wait()
        except BaseException:  # the run is interrupted: its checkpoint stays, and no process is left behind
            process.terminate()
            process.wait()
            raise
    return reason(code, failure)


def environment(threads: int, base: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Environment of a task: its number of threads."""
    return {**(os.environ if base is None else base), "OMP_NUM_THREADS": str(threads)}


def reason(code: int, failure: Path) -> str | None:
    """Why a process failed, in one line; None if it did not.

    Args:
        code: its exit code.
        failure: file with the reason, where the process could still write it.
    """
    if code == 0:
        return None
    if failure.exists():
        return failure.read_text()
    if code < 0:
        name = signal.Signals(-code).name
        memory = ", perhaps for its memory" if name == "SIGKILL" else ""
        return f"killed ({name}{memory}); its checkpoint is kept"
    return f"ended with exit code {code}; see log.txt in its folder"


def main() -> None:
    """Do the task; exit code 1 if it fails."""
    start = time.perf_counter()
    path = Path(sys.argv[1])
    task = json.loads(path.read_text())
    cell, settings = Cell(**task["cell"]), Settings(**task["settings"])
    folder, cache = Path(task["folder"]), Path(task["cache"])
    torch.set_num_threads(settings.threads)
    try:
        if task["kind"] == "measure":
            answer: dict[str, Any] = measure(cell, settings, folder, cache)
            answer["inside"] = time.perf_counter() - start
            write_json(Path(task["answer"]), answer)
        else:
            schedule = Schedule(**task["schedule"]) if task["schedule"] else None
            write_result(Path(task["answer"]), cell, run_cell(cell, settings, schedule, folder, cache))
    except Exception as error:
        traceback.print_exc()
        reason = one_line(error) or f"{type(error).__name__}: {error}"
        path.with_name("failure").write_text(" ".join(reason.split()) or type(error).__name__)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
