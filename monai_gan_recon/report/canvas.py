"""A figure on the project's dark background, laid out in inches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from monai_gan_recon.atomic import atomic_path

BACKGROUND, TEXT, MUTED, ACCENT = "#0b0d10", "#f2f4f7", "#9aa4b2", "#ffb454"
DPI = 150


class Page:
    """A figure of a given size on the project's dark background; panels and text are placed in inches from its corner.

    Args:
        width: in inches.
        height: in inches.
        dpi: pixels an inch.
    """

    def __init__(self, width: float, height: float, dpi: int = DPI) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), dpi=dpi, facecolor=BACKGROUND)

    def text(self, left: float, top: float, text: str, size: float = 11, color: str = TEXT, **kwargs: Any) -> None:
        """Write a line whose middle is at ``top``."""
        place = (left / self.width, 1 - top / self.height)
        where = {"va": "center", "ha": "left", **kwargs}
        self.figure.text(*place, text, size=size, color=color, parse_math=False, **where)

    def panel(self, left: float, top: float, width: float, height: float) -> Axes:
        """Empty axes without ticks and frame."""
        bottom = 1 - (top + height) / self.height
        box = (left / self.width, bottom, width / self.width, height / self.height)
        axes = self.figure.add_axes(box, facecolor="black")
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes

    def save(self, path: str | Path, colours: int | None = None) -> Path:
        """Write the PNG, complete or not at all; 256 ``colours`` are a third of the bytes and look the same."""
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
        if colours is not None:
            picture = picture.quantize(colours, dither=Image.Dither.NONE)
        with atomic_path(path) as temporary:
            picture.save(temporary, format="png", optimize=colours is not None)
        return Path(path)
