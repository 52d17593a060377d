"""Axes and text of a figure, placed in inches from its upper left corner, on the dark page of the project's figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from monai_gan_recon.evaluation.figures import BACKGROUND, TEXT
from monai_gan_recon.io.writing import atomic_path

DPI = 90


class Page:
    """A figure of a given size.

    Args:
        width: in inches.
        height: in inches.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), dpi=DPI, facecolor=BACKGROUND)

    def text(self, left: float, top: float, text: str, size: float, color: str = TEXT, **kwargs: Any) -> None:
        """Write a line whose middle is at ``top``."""
        place = (left / self.width, 1 - top / self.height)
        self.figure.text(*place, text, size=size, color=color, **{"va": "center", "ha": "left", **kwargs})

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

    def save(self, path: Path) -> None:
        """Write the PNG, complete or not at all: 256 colours are a third of the bytes and look the same."""
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
        with atomic_path(path) as temporary:
            picture.quantize(256, dither=Image.Dither.NONE).save(temporary, format="png", optimize=True)
