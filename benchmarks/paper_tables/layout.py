"""Axes and text of a figure, placed in inches from its upper left corner, on the dark page of the project's figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from monai_gan_recon.data.writing import atomic_path
from monai_gan_recon.evaluation.figures import BACKGROUND, TEXT

DPI = 110


class Page:
    """A figure of a given size.

    Args:
        width: in inches.
        height: in inches.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), dpi=DPI, facecolor=BACKGROUND)
        FigureCanvasAgg(self.figure)

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
        """Write the PNG, complete or not at all; the same figure gives the same bytes."""
        with atomic_path(path) as temporary:
            self.figure.savefig(
                temporary, format="png", dpi=DPI, facecolor=BACKGROUND, metadata={"Software": None}
            )
