"""Figure of segmentations: images, their labels, and where these differ from the original's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing

from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.evaluation.figures import bounding_box, crop
from monai_gan_recon.report.canvas import ACCENT, BACKGROUND, DPI, MUTED, TEXT
from monai_gan_recon.segmentation.labels import TISSUES, ReferenceLabels
from monai_gan_recon.transforms.geometry import SlicesOfPlane, plane_slices

COLOURS = {"csf": "#4aa8ff", "gm": "#ffb454", "wm": "#f4f4f4"}
TISSUE_COLOURS = tuple(COLOURS[tissue] for tissue in TISSUES.values())
DISAGREEMENT = "#ff3b5c"
COLUMN_WIDTH, TEXT_HEIGHT = 3.6, 1.7
"""In inches."""


@dataclass(frozen=True)
class FigureColumn:
    """One column of the figure.

    Attributes:
        heading: such as "Zero-filled".
        image: (1, X, Y, Z).
        labels: its segmentation (1, X, Y, Z), on the same grid.
        note: text under the heading.
    """

    heading: str
    image: MetaTensor
    labels: MetaTensor
    note: str = ""


def segmentation_figure(
    columns: Sequence[FigureColumn],
    path: str | Path,
    title: str = "",
    reference: ReferenceLabels | None = None,
) -> Path:
    """Draw the coronal slice with most tissue: images above, labels below, below these where labels differ.

    Args:
        columns: the original first; the others are compared with it. All on one grid.
        path: PNG to write; complete or not at all.
        title: text above.
        reference: reference labels, shown under the original, where nothing can differ.
    """
    number = int((plane_slices(columns[0].labels, "coronal") > 0).sum(dim=(1, 2)).argmax())
    images = [_slice(column.image, number) for column in columns]
    labels = [_slice(column.labels, number).astype(np.uint8) for column in columns]
    view = bounding_box(labels[0] > 0, 6, 6)
    across: Any = SlicesOfPlane("coronal")(columns[0].image)
    _, pixel_height, pixel_width = affine_to_spacing(across.affine).tolist()
    aspect = pixel_height / pixel_width
    brightest = float(np.percentile(crop(images[0], view), 99.9)) or 1.0
    height = COLUMN_WIDTH * aspect * view[2] / view[3]
    figure = Figure(
        figsize=(COLUMN_WIDTH * len(columns), 3 * height + TEXT_HEIGHT),
        dpi=DPI,
        facecolor=BACKGROUND,
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    figure.suptitle(title, parse_math=False, color=TEXT, size=15, weight="bold")
    panels = figure.subplots(3, len(columns), squeeze=False)
    for column, image, map_, (above, middle, below) in zip(columns, images, labels, panels.T, strict=True):
        for axes in (above, middle, below):
            axes.imshow(crop(image, view), cmap="gray", vmin=0, vmax=brightest, aspect=aspect)
            axes.set_axis_off()
        above.set_title(f"{column.heading}\n{column.note}", parse_math=False, color=TEXT, size=11)
        _overlay(middle, crop(map_, view), aspect)
        middle.set_title("segmentation", parse_math=False, color=MUTED, size=9)
        if column is not columns[0]:
            different = (crop(map_, view) != crop(labels[0], view)).astype(np.uint8)
            _overlay(below, different, aspect, (DISAGREEMENT,), opacity=0.85)
            share = 100 * (map_ != labels[0]).sum() / max((labels[0] > 0).sum(), 1)
            below.set_title(f"differs at {share:.1f} % of the tissue's pixels", parse_math=False, color=MUTED, size=9)
        elif reference is not None:
            known = _slice(reference.labels, number).astype(np.uint8)
            known[~np.isin(known, list(reference.tissues))] = 0
            _overlay(below, crop(known, view), aspect)
            below.set_title("reference labels", parse_math=False, color=ACCENT, size=9)
        else:
            below.images[0].set_visible(False)
    patches = [Patch(color=COLOURS[tissue], label=tissue.upper()) for tissue in TISSUES.values()]
    patches.append(Patch(color=DISAGREEMENT, label="differs from the original's segmentation"))
    figure.legend(
        handles=patches,
        loc="outside lower center",
        ncols=4,
        labelcolor=TEXT,
        facecolor=BACKGROUND,
        frameon=False,
    )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, facecolor=BACKGROUND)
    return Path(path)


def _overlay(
    axes: Axes,
    labels: np.ndarray,
    aspect: float,
    colours: Sequence[str] = TISSUE_COLOURS,
    opacity: float = 0.6,
) -> None:
    """Labels 1, 2, ... in their colours over what is drawn already; 0 is transparent."""
    colour_map = ListedColormap(list(colours))
    axes.imshow(
        np.ma.masked_equal(labels, 0),
        cmap=colour_map,
        vmin=1,
        vmax=max(len(colours), 2),
        alpha=opacity,
        aspect=aspect,
        interpolation="nearest",
    )


def _slice(volume: MetaTensor, number: int) -> np.ndarray:
    return plane_slices(volume, "coronal")[number].float().cpu().numpy()
