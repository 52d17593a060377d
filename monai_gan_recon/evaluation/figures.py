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
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Rectangle
from scipy import ndimage
from torch import Tensor

from monai_gan_recon.data.writing import atomic_path
from monai_gan_recon.metrics import psnr, ssim

Box = tuple[int, int, int, int]
"""Top, left, height, width in pixels."""

BACKGROUND, TEXT, MUTED, ACCENT = "#0b0d10", "#f2f4f7", "#9aa4b2", "#ffb454"
WIDTH_INCHES, DPI = 12.0, 150
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
    """Draw one slice: full, zero-filled and reconstruction, below them the zoomed box and the difference maps.

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
    row = {"reference": reference, "zero_filled": zero_filled, "reconstruction": reconstruction, "label": label}
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
    views = [_view(row["reference"]) for row in images]
    heights = [[WIDTH_INCHES * n / 3 * view[2] / view[3] for n in (1, 3 / 5)] for view, n in zip(views, [1.0] * len(views), strict=True)]
    raise NotImplementedError(heights)
