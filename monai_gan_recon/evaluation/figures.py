"""Comparison figures: full image, zero-filled, reconstruction, a zoomed box and difference maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from monai_gan_recon.evaluation.regions import Box, brain_view, detail_box
from monai_gan_recon.io.writing import atomic_path
from monai_gan_recon.metrics import psnr, ssim

BACKGROUND, TEXT, MUTED, ACCENT = "#0b0d10", "#f2f4f7", "#9aa4b2", "#ffb454"
WIDTH, MARGIN, GAP, HEADER, CAPTION, COLOUR_BAR, DPI = 12.0, 0.3, 0.14, 0.36, 0.28, 0.62, 150
"""Lengths in inches."""
NAMES = {"reference": "Fully sampled", "zero_filled": "Zero-filled", "reconstruction": "Reconstruction"}


def comparison_figure(
    reference: Tensor,
    zero_filled: Tensor,
    reconstruction: Tensor,
    path: str | Path,
    box: Box | None = None,
    label: str = "",
    title: str = "",
) -> Path:
    """Draw one slice: full, zero-filled, reconstruction; below them the zoomed box and the difference maps.

    Args:
        reference: magnitude (H, W) in [0, 1]; singleton axes before are dropped, here and below.
        zero_filled: magnitude (H, W).
        reconstruction: magnitude (H, W).
        path: PNG to write; complete or not at all.
        box: the zoomed box; None: where the reference has most detail.
        label: text at the side, such as "10 % of k-space".
        title: text above.

    Returns:
        The path.
    """
    row = {
        "reference": reference,
        "zero_filled": zero_filled,
        "reconstruction": reconstruction,
        "label": label,
    }
    return comparison_rows_figure([row], path, box=box, title=title)


def comparison_rows_figure(
    rows: Sequence[Mapping[str, Any]], path: str | Path, box: Box | None = None, title: str = ""
) -> Path:
    """Draw several slices, or one at several rates, below one another.

    Args:
        rows: for each "reference", "zero_filled", "reconstruction" (H, W), and "label" if wanted.
        path: PNG to write.
        box: the zoomed box of all rows; None: for each where its reference has most detail.
        title: text above.

    Returns:
        The path.

    Raises:
        ValueError: if there are no rows.
    """
    if not rows:
        raise ValueError(f"{path}: a comparison figure needs at least one row")
    images = [{name: _image(row[name]) for name in NAMES} for row in rows]
    views = [brain_view(row["reference"]) for row in images]
    large = (WIDTH - 2 * MARGIN - 2 * GAP) / 3
    small = (WIDTH - 2 * MARGIN - 4 * GAP - COLOUR_BAR) / 5
    heights = [HEADER + CAPTION + (large + small) * view[2] / view[3] + MARGIN for view in views]
    top = MARGIN + (0.45 if title else 0)
    figure = Figure(figsize=(WIDTH, top + sum(heights)), dpi=DPI, facecolor=BACKGROUND)
    FigureCanvasAgg(figure)
    page = _Page(figure)
    if title:
        page.text(MARGIN, MARGIN + 0.05, title, size=17, weight="bold")
    for row, label, view, height in zip(
        images, [r.get("label", "") for r in rows], views, heights, strict=True
    ):
        _draw_row(page, row, str(label), view, box or detail_box(row["reference"], view), top, large, small)
        top += height
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, facecolor=BACKGROUND)
    return Path(path)


class _Page:
    """Panels and text on a figure, placed in inches from its upper left corner."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.width, self.height = figure.get_size_inches()

    def text(
        self, left: float, top: float, text: str, size: float = 11, color: str = TEXT, **kwargs: Any
    ) -> None:
        place = (left / self.width, 1 - top / self.height)
        self.figure.text(*place, text, size=size, color=color, **{"va": "center", "ha": "left", **kwargs})

    def panel(self, left: float, top: float, width: float, height: float) -> Axes:
        bottom = 1 - (top + height) / self.height
        axes = self.figure.add_axes(
            (left / self.width, bottom, width / self.width, height / self.height), facecolor="black"
        )
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes


def _draw_row(
    page: _Page,
    row: Mapping[str, np.ndarray],
    label: str,
    view: Box,
    box: Box,
    top: float,
    large: float,
    small: float,
) -> None:
    """Three large images, and below them three zooms and two difference maps with their colour bar."""
    aspect = view[2] / view[3]
    gray: dict[str, Any] = {
        "cmap": "gray",
        "vmin": 0.0,
        "vmax": float(np.percentile(_crop(row["reference"], view), 99.9)) or 1.0,
    }
    for i, (name, heading) in enumerate(NAMES.items()):
        left = MARGIN + i * (large + GAP)
        axes = page.panel(left, top + HEADER, large, large * aspect)
        axes.imshow(_crop(row[name], view), **gray, interpolation="lanczos")
        corner = (box[1] - view[1] - 0.5, box[0] - view[0] - 0.5)
        axes.add_patch(Rectangle(corner, box[3], box[2], fill=False, edgecolor=ACCENT, linewidth=1.3))
        right = label if name == "reference" else _scores(row[name], row["reference"])
        color = ACCENT if name == "reconstruction" else MUTED
        page.text(left, top + HEADER / 2, heading, size=13, weight="bold")
        page.text(left + large, top + HEADER / 2, right, color=color, ha="right")

    top += HEADER + large * aspect
    errors = {name: np.abs(row[name] - row["reference"]) for name in ("zero_filled", "reconstruction")}
    highest = float(np.percentile(_crop(errors["zero_filled"], view), 99.5)) or 1e-6
    heat: dict[str, Any] = {"cmap": "inferno", "vmin": 0.0, "vmax": highest}
    panels = [(f"{heading}, zoom", _crop(row[name], box), gray) for name, heading in NAMES.items()]
    panels += [
        (f"|Error|, {NAMES[name].lower()}", _crop(error, view), heat) for name, error in errors.items()
    ]
    for i, (caption, image, colours) in enumerate(panels):
        left = MARGIN + i * (small + GAP)
        axes = page.panel(left, top + CAPTION, small, small * aspect)
        drawn = axes.imshow(image, **colours, interpolation="lanczos" if colours is gray else "nearest")
        page.text(left, top + CAPTION / 2, caption, size=9.5, color=MUTED)
        if colours is gray:
            for spine in axes.spines.values():
                spine.set(visible=True, edgecolor=ACCENT, linewidth=1.3)
    scale = page.panel(MARGIN + 5 * small + 5 * GAP, top + CAPTION, 0.1, small * aspect)
    bar = page.figure.colorbar(drawn, cax=scale, ticks=MaxNLocator(4), format="%.2g")
    bar.outline.set_visible(False)
    scale.tick_params(colors=MUTED, labelsize=7.5, length=2, pad=2)


def _scores(image: np.ndarray, reference: np.ndarray) -> str:
    pair = [torch.from_numpy(x)[None, None] for x in (image, reference)]
    return f"{psnr(*pair).item():.1f} dB   SSIM {ssim(*pair).item():.3f}"


def _image(image: Tensor | np.ndarray) -> np.ndarray:
    """Float32 (H, W) without leading singleton axes."""
    array = np.asarray(torch.as_tensor(image).detach().cpu(), dtype=np.float32)
    if array.ndim < 2 or array.size != array.shape[-2] * array.shape[-1]:
        raise ValueError(f"a comparison figure shows slices (H, W), got {array.shape}")
    return array.reshape(array.shape[-2:])


def _crop(image: np.ndarray, box: Box) -> np.ndarray:
    return image[box[0] : box[0] + box[2], box[1] : box[1] + box[3]]
