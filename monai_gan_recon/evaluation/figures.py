"""Comparison figures: full image, zero-filled, reconstruction, a zoomed box and difference maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from scipy import ndimage
from torch import Tensor

from monai_gan_recon.metrics import brain_mask, psnr, ssim
from monai_gan_recon.report.canvas import ACCENT, MUTED, Page

WIDTH, MARGIN, GAP, HEADER, CAPTION, COLOUR_BAR = 12.0, 0.3, 0.14, 0.36, 0.28, 0.62
"""Lengths in inches."""
NAMES = {"reference": "Fully sampled", "zero_filled": "Zero-filled", "reconstruction": "Reconstruction"}

Box = tuple[int, int, int, int]
"""Top, left, height, width in pixels."""


def comparison_figure(
    rows: Sequence[Mapping[str, Any]], path: str | Path, box: Box | None = None, title: str = ""
) -> Path:
    """Draw slices, or one at several rates, below one another: full, zero-filled, reconstruction, zooms, errors.

    Args:
        rows: for each "reference" in [0, 1], "zero_filled", "reconstruction" (H, W), where singleton axes before
            are dropped, and if wanted "label", a text at the side.
        path: PNG to write; complete or not at all.
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
    page = Page(WIDTH, top + sum(heights))
    if title:
        page.text(MARGIN, MARGIN + 0.05, title, size=17, weight="bold")
    for row, label, view, height in zip(images, [r.get("label", "") for r in rows], views, heights, strict=True):
        _draw_row(page, row, str(label), view, box or detail_box(row["reference"], view), top, large, small)
        top += height
    return page.save(path)


def _draw_row(
    page: Page,
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
        "vmax": float(np.percentile(crop(row["reference"], view), 99.9)) or 1.0,
    }
    for i, (name, heading) in enumerate(NAMES.items()):
        left = MARGIN + i * (large + GAP)
        axes = page.panel(left, top + HEADER, large, large * aspect)
        axes.imshow(crop(row[name], view), **gray, interpolation="lanczos")
        corner = (box[1] - view[1] - 0.5, box[0] - view[0] - 0.5)
        axes.add_patch(Rectangle(corner, box[3], box[2], fill=False, edgecolor=ACCENT, linewidth=1.3))
        right = label if name == "reference" else quality(row[name], row["reference"])
        color = ACCENT if name == "reconstruction" else MUTED
        page.text(left, top + HEADER / 2, heading, size=13, weight="bold")
        page.text(left + large, top + HEADER / 2, right, color=color, ha="right")

    top += HEADER + large * aspect
    errors = {name: np.abs(row[name] - row["reference"]) for name in ("zero_filled", "reconstruction")}
    highest = float(np.percentile(crop(errors["zero_filled"], view), 99.5)) or 1e-6
    heat: dict[str, Any] = {"cmap": "inferno", "vmin": 0.0, "vmax": highest}
    panels = [(f"{heading}, zoom", crop(row[name], box), gray) for name, heading in NAMES.items()]
    panels += [(f"|Error|, {NAMES[name].lower()}", crop(error, view), heat) for name, error in errors.items()]
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


def quality(image: np.ndarray, reference: np.ndarray) -> str:
    """PSNR and SSIM of a slice in words."""
    pair = [torch.from_numpy(x)[None, None] for x in (image, reference)]
    return f"{psnr(*pair).item():.1f} dB   SSIM {ssim(*pair).item():.3f}"


def _image(image: Tensor | np.ndarray) -> np.ndarray:
    """Float32 (H, W) without leading singleton axes."""
    array = np.asarray(torch.as_tensor(image).detach().cpu(), dtype=np.float32)
    if array.ndim < 2 or array.size != array.shape[-2] * array.shape[-1]:
        raise ValueError(f"a comparison figure shows slices (H, W), got {array.shape}")
    return array.reshape(array.shape[-2:])


def crop(image: np.ndarray, box: Box) -> np.ndarray:
    """The box of an image."""
    return image[box[0] : box[0] + box[2], box[1] : box[1] + box[3]]


def brain_view(reference: np.ndarray, margin: float = 0.04) -> Box:
    """Bounding box of the brain with a margin (fraction of the slice); the whole slice if it has no brain."""
    dy, dx = (round(margin * n) for n in reference.shape)
    return bounding_box(_brain(reference), dy, dx)


def bounding_box(mask: np.ndarray, dy: int, dx: int) -> Box:
    """Bounding box of a mask (H, W) with a margin in pixels; the whole slice if the mask is empty."""
    height, width = mask.shape
    if not mask.any():
        return 0, 0, height, width
    (top, bottom), (left, right) = (np.flatnonzero(mask.any(axis=axis))[[0, -1]] for axis in (1, 0))
    top, left = max(int(top) - dy, 0), max(int(left) - dx, 0)
    return top, left, min(int(bottom) + dy + 1, height) - top, min(int(right) + dx + 1, width) - left


def detail_box(reference: np.ndarray, view: Box | None = None, fraction: float = 0.28) -> Box:
    """The box inside the brain of a slice (H, W) with the highest energy of detail (Laplacian of Gaussian, sigma 1.5).

    The outermost 5 pixels of the brain do not count, so that its edge does not draw the box to itself. Where no box
    lies inside the brain, it is the one with most detail anywhere.

    Args:
        reference: slice (H, W).
        view: where to look; None: the whole slice.
        fraction: side of the box as a fraction of the view's.
    """
    top, left, height, width = view or (0, 0, *reference.shape)
    size = (max(round(fraction * height), 1), max(round(fraction * width), 1))
    brain = _brain(reference)
    interior = ndimage.binary_erosion(brain, iterations=5) if brain.any() else True
    detail = _box_means(ndimage.gaussian_laplace(reference, 1.5) ** 2 * interior, size)[top:, left:]
    inside = _box_means(brain.astype(np.float32), size)[top:, left:]
    reach = (height - size[0] + 1, width - size[1] + 1)
    detail, inside = detail[: reach[0], : reach[1]], inside[: reach[0], : reach[1]]
    if (inside > 0.98).any():
        detail = np.where(inside > 0.98, detail, -1)
    y, x = np.unravel_index(int(detail.argmax()), detail.shape)
    return top + int(y), left + int(x), *size


def _brain(reference: np.ndarray) -> np.ndarray:
    mask: np.ndarray = brain_mask(torch.from_numpy(np.ascontiguousarray(reference))[None, None])[0, 0].numpy()
    return mask


def _box_means(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Mean of the image over each box of the given size, by the box's top left corner."""
    height, width = (n - box + 1 for n, box in zip(image.shape, size, strict=True))
    means: np.ndarray = ndimage.uniform_filter(image, size)[size[0] // 2 :, size[1] // 2 :]
    return means[:height, :width]
