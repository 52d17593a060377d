"""The paper's bar chart: PSNR and SSIM of every system with 95 % confidence intervals over people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator

from benchmarks.paper_tables.grid import RATES, SYSTEMS, Cell
from benchmarks.paper_tables.layout import Page
from benchmarks.paper_tables.paper import nominal
from benchmarks.paper_tables.results import is_finished
from benchmarks.paper_tables.tables import Results
from monai_gan_recon.evaluation.figures import ACCENT, BACKGROUND, MUTED, TEXT

COLOURS = (ACCENT, "#4cc9f0")
METRICS = {"psnr": "PSNR [dB]", "ssim": "SSIM"}


def bar_chart(results: Results, size: str, track: str, path: Path) -> bool:
    """Draw the chart of one size and track, a group of bars for each system that has a result.

    Returns:
        Whether there was anything to draw.
    """
    systems = [s for s in SYSTEMS if any(is_finished(results.get(Cell(s, size, r, track))) for r in RATES)]
    if not systems:
        return False
    page = Page(12.0, 7.6)
    title = f"{size}, {track} track: mean over people, 95 % confidence interval"
    page.text(0.7, 0.35, title, 14, weight="bold")
    places = np.arange(len(systems))
    for row, (metric, label) in enumerate(METRICS.items()):
        axes = page.panel(0.8, 0.75 + 2.75 * row, 11.0, 2.45)
        axes.set_facecolor(BACKGROUND)
        for i, (rate, colour) in enumerate(zip(RATES, COLOURS, strict=True)):
            found = [results.get(Cell(system, size, rate, track)) for system in systems]
            values = [r[metric] if r and is_finished(r) else {"mean": np.nan, "ci95": np.nan} for r in found]
            axes.bar(
                places + 0.4 * (i - 0.5), [v["mean"] for v in values], 0.38,
                yerr=[np.nan if v["ci95"] is None else v["ci95"] for v in values], color=colour, ecolor=TEXT, capsize=2,
                error_kw={"linewidth": 0.8},
            )  # fmt: skip
        axes.set_ylabel(label, color=TEXT)
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.tick_params(axis="y", colors=MUTED, labelsize=9)
        axes.grid(axis="y", color=MUTED, alpha=0.25, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.set_xlim(-0.6, len(systems) - 0.4)
    axes.set_xticks(places, systems, rotation=35, ha="right", color=TEXT, fontsize=9)
    for i, (rate, colour) in enumerate(zip(RATES, COLOURS, strict=True)):
        page.text(11.8 - 0.9 * (len(RATES) - 1 - i), 0.35, f"■ {nominal(rate)} %", 12, colour, ha="right")
    page.save(path)
    return True
