"""Longer trainings of a few systems: the same cells and protocol, in a results folder of their own.

The grid gives every system of a size the same budget, which on a CPU leaves the curves of large networks rising. A
comparison of two systems that is to count needs both trained to their end, and then equally long.
"""

from __future__ import annotations

from benchmarks.paper_tables.grid import RATES, RESULTS_DIR, SIZES, SYSTEMS, TRACKS, Cell
from benchmarks.paper_tables.paper import paper_numbers, rate_text
from benchmarks.paper_tables.results import is_finished
from benchmarks.paper_tables.statistics import is_flat
from benchmarks.paper_tables.tables import RISING, Results, comparison, training
from monai_gan_recon.evaluation.table import markdown_table, value_text

LONGER_DIR = RESULTS_DIR / "longer"
"""Results of these trainings (``run --results_dir``)."""

HEAD = (
    "size", "rate", "system", "the paper: PSNR / SSIM", "PSNR [dB]", "SSIM", "above zero-filled [dB]",
    "ours minus it [dB]", "effect", "p", "minutes", "training slices", "last quarter of training [dB]",
)  # fmt: skip


def longer_table(longer: Results, grid: Results) -> str:
    """One row for each finished cell, in the order of the grid.

    Args:
        longer: results of the longer trainings.
        grid: those of the grid, which have the zero-filled images of the same slices.
    """
    lines = [
        _row(cell, longer, grid)
        for track in TRACKS
        for size in SIZES
        for rate in RATES
        for cell in (Cell(system, size, rate, track) for system in SYSTEMS)
        if is_finished(longer.get(cell))
    ]
    return markdown_table([HEAD, *lines]) if lines else "No longer training has been run."


def _row(cell: Cell, longer: Results, grid: Results) -> list[str]:
    result = longer[cell]
    ours = longer.get(Cell("ours", cell.size, cell.rate, cell.track))
    below = grid.get(Cell("zero_filled", cell.size, cell.rate, cell.track))
    track = "" if cell.track == "replica" else f", {cell.track}"
    return [
        cell.size,
        rate_text(cell.size, cell.rate) + track,
        f"`{cell.system}`" + ("" if is_flat(result["validation_psnr"]) else RISING),
        paper_numbers(cell),
        value_text(result["psnr"], ".2f"),
        value_text(result["ssim"], ".4f"),
        comparison(result, below)[0] if is_finished(below) and below is not None else "-",
        *comparison(ours, result),
        f"{result['budget']['training_seconds'] / 60:.1f}",
        *training(cell.system, result),
    ]
