"""The README's summary: ours beside the zero-filled image and the paper, one line a size and rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.paper_tables.grid import RATES, SIZES, Cell
from benchmarks.paper_tables.paper import paper_numbers, rate_text
from benchmarks.paper_tables.results import is_finished
from benchmarks.paper_tables.tables import Results
from monai_gan_recon.evaluation.table import markdown_table, value_text

HEAD = ("size", "rate", "zero-filled: PSNR [dB] / SSIM", "ours", "the paper", "minutes of training")


def summary_table(longer: Results, grid: Results) -> str:
    """Replica track; the longer training of ours where there is one."""
    lines: list[tuple[str, ...]] = [HEAD]
    for size in SIZES:
        for rate in RATES:
            ours = Cell("ours", size, rate, "replica")
            result = longer.get(ours, grid.get(ours))
            below = grid.get(Cell("zero_filled", size, rate, "replica"))
            if result is None or below is None or not is_finished(result) or not is_finished(below):
                continue
            lines.append(
                (
                    size,
                    rate_text(size, rate),
                    _quality(below),
                    _quality(result),
                    paper_numbers(Cell("gan_resnet50", size, rate, "replica")),
                    f"{result['budget']['training_seconds'] / 60:.0f}",
                )
            )
    return markdown_table(lines)


def _quality(result: Mapping[str, Any]) -> str:
    return f"{value_text(result['psnr'], '.2f')} / {value_text(result['ssim'], '.4f')}"
