"""The paper's figures: bar charts of all systems, and one slice by every system with zooms and difference maps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from benchmarks.paper_tables.cell import SLICE_FILE
from benchmarks.paper_tables.configuration import FRAME
from benchmarks.paper_tables.grid import RATES, SYSTEMS, Cell, nominal
from benchmarks.paper_tables.results import is_finished
from benchmarks.paper_tables.tables import Results
from monai_gan_recon.evaluation.figures import Box, brain_view, crop, quality
from monai_gan_recon.report.canvas import ACCENT, BACKGROUND, MUTED, TEXT, Page

DPI = 90
BOXES = {"corpus callosum": (100, 104, 28, 42), "medial temporal lobe": (132, 70, 28, 42)}
"""Top, left, height, width in the 256x256 frame; both lie inside its central 64x128 pixels."""

COLOURS = (ACCENT, "#4cc9f0")
COLUMNS, WIDTH, MARGIN, GAP, HEAD, TITLE = 5, 15.0, 0.25, 0.12, 0.42, 0.75
"""Lengths in inches."""


def slice_files(results: Results, size: str, rate: float, track: str, output_dir: Path) -> dict[str, Path]:
    """The kept slice of each finished system, by its name.

    Raises:
        FileNotFoundError: if one is not in the output folder.
    """
    found = {}
    for system in SYSTEMS:
        cell = Cell(system, size, rate, track)
        result = results.get(cell)
        if result is None or "psnr" not in result:
            continue
        path = output_dir / "cells" / f"{cell.name}_{result['config_hash'][:8]}" / SLICE_FILE
        if not path.exists():
            raise FileNotFoundError(f"no reconstruction of {cell.title} in {output_dir}: run that cell here")
        found[system] = path
    return found


def comparison_figure(files: Mapping[str, Path], size: str, rate: float, track: str, path: Path) -> None:
    """Draw the figure of one size, rate and track.

    Args:
        files: kept slice of each system; its ``reference`` is that of all.
        size: of the slices.
        rate: sampling rate.
        track: "replica" or "simulated".
        path: PNG to write.
    """
    images = {system: dict(np.load(file)) for system, file in files.items()}
    first = next(iter(images.values()))
    reference = first["reference"]
    blocks = {"fully sampled": reference, **{name: image["reconstruction"] for name, image in images.items()}}
    view = brain_view(reference)
    width = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS
    tall, half = width * view[2] / view[3], (width - GAP / 2) / 2
    zoom = half * 28 / 42
    block = HEAD + tall + zoom + tall + 2 * GAP
    rows = -(-len(blocks) // COLUMNS)
    page = Page(WIDTH, TITLE + rows * (block + GAP) + 0.1, DPI)
    page.text(
        MARGIN,
        0.36,
        f"{size}, {nominal(rate)} % of k-space, {track} track",
        16,
        weight="bold",
    )
    for i, (text, colour) in enumerate(zip(BOXES, COLOURS, strict=True)):
        page.text(WIDTH - MARGIN - 2.6 * (1 - i), 0.36, f"□ {text}", 11, colour, ha="right")
    scale: dict[str, Any] = {
        "vmin": 0.0,
        "vmax": float(np.percentile(reference, 99.9)) or 1.0,
        "cmap": "gray",
    }
    highest = float(np.percentile(np.abs(first["zero_filled"] - reference), 99.5)) or 1e-6
    error_scale: dict[str, Any] = {"vmin": 0.0, "vmax": highest, "cmap": "inferno"}
    for number, (name, image) in enumerate(blocks.items()):
        left = MARGIN + number % COLUMNS * (width + GAP)
        top = TITLE + number // COLUMNS * (block + GAP)
        page.text(left, top + HEAD / 2, name, 11 if len(name) < 18 else 9.5, weight="bold")
        if number:
            page.text(left + width, top + HEAD / 2, quality(image, reference), 8.5, MUTED, ha="right")
        _draw(page, image, view, left, top + HEAD, (width, tall, half, zoom), scale)
        below = top + HEAD + tall + zoom + GAP
        if number:
            axes = page.panel(left, below, width, tall)
            axes.imshow(crop(np.abs(image - reference), view), **error_scale, interpolation="nearest")
        else:
            _colour_bar(page, error_scale, left, below + tall / 2, width)
    page.save(path, 256)


def framed(box: Box, shape: tuple[int, ...]) -> Box:
    """A box of the 256x256 frame in a slice that was centre-cropped or padded from it, cut at its borders."""
    top, left = (box[i] - (FRAME[i] - shape[i]) // 2 for i in (0, 1))
    bottom, right = min(top + box[2], shape[0]), min(left + box[3], shape[1])
    top, left = max(top, 0), max(left, 0)
    return top, left, max(bottom - top, 1), max(right - left, 1)


def _draw(
    page: Page,
    image: np.ndarray,
    view: Box,
    left: float,
    top: float,
    lengths: tuple[float, float, float, float],
    scale: dict[str, Any],
) -> None:
    """The slice, and below it two zooms."""
    width, tall, half, zoom = lengths
    axes = page.panel(left, top, width, tall)
    axes.imshow(crop(image, view), **scale, interpolation="lanczos")
    for i, (box, colour) in enumerate(zip(BOXES.values(), COLOURS, strict=True)):
        y, x, h, w = framed(box, image.shape)
        corner = (x - view[1] - 0.5, y - view[0] - 0.5)
        axes.add_patch(Rectangle(corner, w, h, fill=False, edgecolor=colour, linewidth=1.0))
        small = page.panel(left + i * (half + GAP / 2), top + tall + GAP / 2, half, zoom)
        small.imshow(crop(image, (y, x, h, w)), **scale, interpolation="lanczos", aspect="auto")
        for spine in small.spines.values():
            spine.set(visible=True, edgecolor=colour, linewidth=1.0)


def _colour_bar(page: Page, error_scale: Mapping[str, Any], left: float, middle: float, width: float) -> None:
    """The scale of the difference maps, where the full image has none."""
    page.text(left + width / 2, middle - 0.25, "absolute difference, one scale for all", 9, MUTED, ha="center")
    axes = page.panel(left + 0.05 * width, middle - 0.05, 0.9 * width, 0.14)
    ramp = np.linspace(0, 1, 256)[None]
    axes.imshow(ramp, cmap=error_scale["cmap"], aspect="auto", extent=(0, error_scale["vmax"], 0, 1))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(axis="x", colors=MUTED, labelsize=8, length=2)


METRICS = {"psnr": "PSNR [dB]", "ssim": "SSIM"}


def bar_chart(results: Results, size: str, track: str, path: Path) -> bool:
    """Draw the chart of one size and track, a group of bars for each system that has a result.

    Returns:
        Whether there was anything to draw.
    """
    systems = [s for s in SYSTEMS if any(is_finished(results.get(Cell(s, size, r, track))) for r in RATES)]
    if not systems:
        return False
    page = Page(12.0, 7.6, DPI)
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
    page.save(path, 256)
    return True
