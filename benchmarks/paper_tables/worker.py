"""The process of one task: ``python -m benchmarks.paper_tables.worker TASK.json``, started by ``run``.

TASK.json says which cell is to be trained and tested, or measured, and where the answer goes. What goes wrong is one
line in the file ``failure`` beside it; a process that is killed leaves none.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import torch

from benchmarks.paper_tables.cell import run_cell
from benchmarks.paper_tables.configuration import Settings
from benchmarks.paper_tables.grid import Cell
from benchmarks.paper_tables.measure import measure
from benchmarks.paper_tables.results import write_result
from benchmarks.paper_tables.schedule import Schedule
from monai_gan_recon.errors import one_line
from monai_gan_recon.io.writing import atomic_path


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
            with atomic_path(task["answer"]) as temporary:
                temporary.write_text(json.dumps(answer))
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
