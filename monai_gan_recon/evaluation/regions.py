"""Which part of a slice a figure shows: the brain, and within it the box with most detail."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from monai_gan_recon.metrics import brain_mask

Box = tuple[int, int, int, int]
"""Top, left, height, width in pixels."""


def brain_view(reference: np.ndarray, margin: float = 0.04) -> Box:
    """Bounding box of the brain with a margin (fraction of the slice); the whole slice if it has no brain."""
    height, width = reference.shape
    brain = _brain(reference)
    if not brain.any():
        return 0, 0, height, width
    (top, bottom), (left, right) = (np.flatnonzero(brain.any(axis=axis))[[0, -1]] for axis in (1, 0))
    dy, dx = round(margin * height), round(margin * width)
    top, left = max(int(top) - dy, 0), max(int(left) - dx, 0)
    return top, left, min(int(bottom) + dy + 1, height) - top, min(int(right) + dx + 1, width) - left


def detail_box(reference: np.ndarray, view: Box | None = None, fraction: float = 0.28) -> Box:
    """The box inside the brain with the highest energy of detail (Laplacian of Gaussian, sigma 1.5).

    The outermost 5 pixels of the brain do not count, so that its edge does not draw the box to itself.

    Args:
        reference: slice (H, W).
        view: where to look; None: the whole slice.
        fraction: side of the box as a fraction of the view's.

    Returns:
        The box; where no box lies inside the brain, the one with most detail anywhere.
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
