"""What the trained cells had: slice-iterations, minutes, devices, test slices; and whether that was equal."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from benchmarks.paper_tables.grid import LEARNED, SIZES, TRACKS, Cell
from benchmarks.paper_tables.results import is_finished
from monai_gan_recon.evaluation.table import markdown_table

_PRECISION = {None: "not recorded", True: "bfloat16", False: "float32"}
"""Of the networks, by the ``bf16`` of a result; the first results did not have it."""


def protocol_table(results: Mapping[Cell, Mapping[str, Any]]) -> str:
    """One line a size and track with trained cells: what the systems had, several values where it was not equal."""
    lines: list[list[str]] = [
        ["size", "track", "trained cells", "slice-iterations", "epochs", "batch", "seed", "minutes of training",
         "device (threads)", "precision", "test people (slices)", "every n-th slice"]
    ]  # fmt: skip
    for size, track in product(SIZES, TRACKS):
        cells = [
            result
            for cell, result in results.items()
            if (cell.size, cell.track) == (size, track) and cell.system in LEARNED and is_finished(result)
        ]
        if not cells:
            continue
        budgets = [result["budget"] for result in cells]
        minutes = [budget["training_seconds"] / 60 for budget in budgets]
        lines.append(
            [
                size,
                track,
                str(len(cells)),
                *(_values(b[name] for b in budgets) for name in ("slice_iterations", "epochs", "batch_size")),
                _values(r["training_seed"] for r in cells),
                f"{min(minutes):.1f} to {max(minutes):.1f}",
                _values(f"{r['device']} ({r['budget']['threads']})" for r in cells),
                _values(_PRECISION[r.get("bf16")] for r in cells),
                _values(f"{r['n_people']} ({r['n_slices']})" for r in cells),
                _values(r["slice_step"] for r in cells),
            ]
        )
    return markdown_table(lines)


def _values(values: Any) -> str:
    """The one value or all of them; of more than three numbers the range."""
    found = list(dict.fromkeys(values))
    if len(found) > 3 and all(isinstance(value, int) for value in found):
        return f"{min(found)} to {max(found)}"
    return " or ".join(map(str, found))
