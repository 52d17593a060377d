"""Pictures of the table: a heat map, and the worst slice of every cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from benchmarks.no_harm.cells import Cell
from benchmarks.no_harm.methods import CLASSICAL, ESTIMATED, TUNED, ZERO_FILLED
from benchmarks.no_harm.run import Run, digest
from benchmarks.no_harm.scores import Row
from monai_gan_recon.atomic import atomic_path

RANGE_DB = 6.0
"""Colours of the heat map end here."""

_PANEL, _TEXT, _GAP, _ACROSS, _LEVELS = 92, 26, 2, 3, 24
"""Contact sheet: side of a panel, height of a caption and gap in pixels; cells in a row; levels of gray."""


def heat_map(cells: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Cells x columns, PSNR inside the head in dB against the best classical method of the cell.

    Args:
        cells: see :func:`benchmarks.no_harm.statistics.summarise`, with ``title``.
        path: PNG file.
    """
    shown = [cell for cell in cells if cell["best_classical"] is not None]
    tried = dict.fromkeys(name for cell in shown for name in cell["columns"])
    names = [name for name in (ZERO_FILLED, *CLASSICAL) if name in tried]
    names += [name for name in tried if name not in names]
    values = np.array(
        [[cell["columns"].get(name, {}).get("lead", {}).get("mean", np.nan) for name in names] for cell in shown],
        dtype=float,
    ).reshape(len(shown), len(names))
    figure = Figure(figsize=(4.4 + 0.62 * len(names), 1.5 + 0.19 * len(shown)), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(values, cmap="RdBu", vmin=-RANGE_DB, vmax=RANGE_DB, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if abs(value) > 0.6 * RANGE_DB else "black"
            axes.text(column, row, f"{value:+.1f}", ha="center", va="center", size=6.5, color=colour)
    axes.set_xticks(range(len(names)), [name.replace(" (", "\n(").replace("_", " ") for name in names], size=7)
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", rotation=45)
    axes.set_yticks(range(len(shown)), [cell["title"] for cell in shown], size=7)
    bar = figure.colorbar(image, ax=axes, shrink=0.4)
    bar.set_label("dB against the best classical method, in the head", size=7)
    bar.ax.tick_params(labelsize=7)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")


def worst_row(rows: Mapping[str, Sequence[Row]], name: str) -> tuple[str, Row, float]:
    """The slice in which a network does worst against zero-filled: column, row, and the difference in dB."""
    found = [
        (ours["psnr_head"] - base["psnr_head"], column, ours)
        for column in (name, name + ESTIMATED)
        for ours, base in zip(rows.get(column, ()), rows[ZERO_FILLED], strict=column in rows)
    ]
    difference, column, row = min(found, key=lambda one: one[0])
    return column, row, difference


def worst_slice(run: Run, cell: Cell, rows: Mapping[str, Sequence[Row]], best: str | None, name: str) -> dict[str, Any]:
    """Images of a cell's worst slice: ``titles`` and ``images`` (panels, H, W), cut to the head; made once.

    Args:
        run: data and weights.
        cell: what was scanned.
        rows: of each column.
        best: the classical method to show; None: none.
        name: of the weights that are judged.
    """
    column, row, difference = worst_row(rows, name)
    shown = [ZERO_FILLED, *([best] if best else []), column]
    methods = {one: run.method(cell, one) for one in shown}
    file = run.output / "pictures" / f"{cell.name}-{digest(row, [m[1] for m in methods.values()])}.npz"
    scores = [_row_like(rows[one], row)["psnr_head"] for one in shown]
    titles = ["full", *(f"{_short(one)} {psnr:.1f}" for one, psnr in zip(shown, scores, strict=True))]
    if file.is_file():
        with np.load(file) as kept:
            return {"titles": titles, "images": kept["images"], "difference": difference}
    scanned = next(s for case, mask, s in run.scans(cell) if (case.name, mask) == (row["case"], row["mask"]))
    numbers = next(case.numbers for case, *_ in run.scans(cell) if case.name == row["case"])
    place = numbers.index(row["slice"])
    images = torch.cat([scanned.reference[place], *(method(scanned)[place] for method, *_ in methods.values())])
    head = scanned.head[place, 0]
    ys, xs = head.any(1).nonzero().flatten(), head.any(0).nonzero().flatten()
    images = images[:, int(ys[0]) : int(ys[-1]) + 1, int(xs[0]) : int(xs[-1]) + 1]
    content = images.float().numpy()
    with atomic_path(file) as temporary, temporary.open("wb") as stream:
        np.savez(stream, images=content.astype(np.float16))
    return {"titles": titles, "images": content, "difference": difference}


def contact_sheet(strips: Sequence[tuple[str, Mapping[str, Any]]], path: Path) -> None:
    """Draw the worst slices of all cells, a strip each.

    Args:
        strips: title of a cell and what :func:`worst_slice` gives.
        path: PNG file.
    """
    panels = max(len(strip["images"]) for _, strip in strips)
    width, height = panels * (_PANEL + _GAP) + 4 * _GAP, _PANEL + _TEXT
    rows = -(-len(strips) // _ACROSS)
    sheet = Image.new("L", (_ACROSS * width, rows * height), 0)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=9)
    for number, (title, strip) in enumerate(strips):
        left, top = number % _ACROSS * width, number // _ACROSS * height
        draw.text((left + 2, top), f"{title}: {strip['difference']:+.1f} dB", fill=255, font=font)
        white = max(float(np.percentile(strip["images"][0].astype(np.float32), 99.7)), 1e-6)
        for place, (name, image) in enumerate(zip(strip["titles"], strip["images"], strict=True)):
            x = left + place * (_PANEL + _GAP)
            levels = (image.astype(np.float32) / white).clip(0, 1)
            panel = Image.fromarray((255 * levels).astype(np.uint8))
            panel.thumbnail((_PANEL, _PANEL))
            sheet.paste(panel, (x, top + _TEXT))
            draw.text((x + 2, top + 12), name, fill=200, font=font)
    gray = np.round(np.asarray(sheet, dtype=np.float32) / 255 * (_LEVELS - 1)) / (_LEVELS - 1) * 255
    with atomic_path(path) as temporary:
        Image.fromarray(gray.astype(np.uint8)).quantize(_LEVELS).save(temporary, format="png", optimize=True)


def _row_like(rows: Sequence[Row], row: Row) -> Row:
    key = ("person", "case", "slice", "mask")
    return next(one for one in rows if all(one[name] == row[name] for name in key))


def _short(name: str) -> str:
    return {
        "zero_filled": "zero-f.",
        "total_variation": "TV",
        "support_cg": "supp. CG",
        "l1_wavelet": "wavelet",
    }.get(name, name.replace(ESTIMATED, " est.").replace(TUNED, " tuned").replace("_", "-"))
