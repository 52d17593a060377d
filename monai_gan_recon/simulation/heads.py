"""Images of simulated heads: contrast, lesions, bias field, resolution, field of view, defacing and noise at random."""

from __future__ import annotations

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Randomizable, Transform
from scipy import ndimage

from monai_gan_recon.simulation.head_anatomy import (
    HeadAnatomy,
    Part,
    RandHeadAnatomy,
    field_points,
    random_volume,
)

_QUANTILES = (0.02, 0.12, 0.4, 0.75, 0.98)
"""Of the brain's intensities, from CSF to white matter in T1: where a contrast fixes what they become."""

_BRAIN = {
    "t1": ((0.1, 0.3), (0.25, 0.5), (0.5, 0.75), (0.8, 1.0), (0.95, 1.15)),
    "t2": ((1.3, 2.2), (0.9, 1.6), (0.7, 1.1), (0.45, 0.7), (0.35, 0.6)),
    "flair": ((0.03, 0.25), (0.3, 0.7), (0.8, 1.1), (0.65, 0.9), (0.6, 0.85)),
    "random": ((0.05, 1.5),) * 5,
}
"""Intensity of the brain at each quantile, relative to its bright parts."""

_AROUND = {
    "t1": {
        "CSF": (0.05, 0.35), "DURA": (0.2, 1.5), "BONE": (0.02, 0.2), "MARROW": (0.4, 1.8), "FAT": (0.7, 3.0),
        "MUSCLE": (0.3, 0.8), "SKIN": (0.3, 1.3), "EYE": (0.1, 0.35), "LENS": (0.2, 0.9),
    },
    "t2": {
        "CSF": (1.2, 2.4), "DURA": (0.0, 0.8), "BONE": (0.0, 0.15), "MARROW": (0.2, 1.0), "FAT": (0.4, 1.8),
        "MUSCLE": (0.1, 0.5), "SKIN": (0.2, 0.9), "EYE": (1.2, 2.4), "LENS": (0.2, 1.0),
    },
    "flair": {
        "CSF": (0.02, 0.3), "DURA": (0.1, 0.8), "BONE": (0.0, 0.2), "MARROW": (0.2, 1.0), "FAT": (0.3, 1.6),
        "MUSCLE": (0.2, 0.6), "SKIN": (0.2, 1.0), "EYE": (0.05, 0.5), "LENS": (0.2, 0.9),
    },
    "random": {},
}  # fmt: skip
"""Intensity of what surrounds the brain; what is not named is anything from 0 to 1.5."""

CONTRASTS = tuple(_BRAIN)


class RandHeadImage(Randomizable, Transform):
    """Show a head in a random contrast, with random faults of an image.

    Every part gets an intensity: near those of T1, T2 or FLAIR, or any at all (domain randomisation; Hoopes et al.,
    SynthStrip, NeuroImage 260, 2022), fat suppressed or not. The brain keeps its own image, through a random curve.
    Then lesions, texture, bias field, blur, thick slices, a cut field of view, a face or all but the brain removed,
    Rician noise or an empty background.

    Args:
        contrasts: out of "t1", "t2", "flair", "random"; drawn evenly.
        faults: scale of lesions, field-of-view cuts, defacing and thick slices, as probability from 0 (none) to 1.

    Raises:
        ValueError: for another contrast or a scale out of range.
    """

    def __init__(self, contrasts: tuple[str, ...] = CONTRASTS, faults: float = 1.0) -> None:
        if not contrasts or not set(contrasts) <= set(CONTRASTS) or not 0 <= faults <= 1:
            raise ValueError(
                f"contrasts must be out of {', '.join(CONTRASTS)} and faults from 0 to 1, not {contrasts}, {faults}"
            )
        self.contrasts, self.faults = tuple(contrasts), faults

    def randomize(self, data: object | None = None) -> None:
        """Draw the contrast and the seed of the image."""
        self.contrast = str(self.R.choice(self.contrasts))
        self.seed = int(self.R.randint(2**31 - 1))

    def __call__(self, head: HeadAnatomy) -> tuple[MetaTensor, MetaTensor]:
        """Show a head.

        Returns:
            image (1, X, Y, Z), float32, at least 0, about 1 in the brain's bright parts, on the head's grid; and the
            mask of the brain in it, boolean, without what a cut field of view leaves out.
        """
        self.randomize()
        rng = np.random.default_rng(self.seed)
        parts = head.parts.as_tensor()[0].numpy()
        spacing = np.linalg.norm(head.parts.affine.numpy()[:3, :3], axis=0)
        values = self._contrast(parts, head.brain.as_tensor()[0].numpy(), rng)
        brain = parts == Part.BRAIN
        if rng.random() < 0.3 * self.faults:
            _add_lesions(values, brain, spacing, rng)
        points = field_points(parts.shape, spacing, rng.uniform(60, 120))
        values *= np.exp(rng.uniform(0, 0.35) * random_volume(parts.shape, points, rng))
        values = ndimage.gaussian_filter(values, rng.uniform(0.3, 0.9) / spacing)
        if rng.random() < 0.4 * self.faults:
            values = _thick_slices(values, int(rng.integers(3)), rng.uniform(3, 6.5), spacing)
        if rng.random() < 0.25 * self.faults:
            _deface(values, brain, spacing, rng)
        if rng.random() < 0.1 * self.faults:
            values[~brain] = 0  # stripped
        if rng.random() < 0.2:
            values[parts == Part.AIR] = 0
        else:
            noise = np.exp(rng.uniform(np.log(0.003), np.log(0.08)))
            real, imaginary = rng.standard_normal((2, *values.shape), dtype=np.float32) * np.float32(noise)
            values = np.hypot(values + real, imaginary)
        if rng.random() < 0.5 * self.faults:
            cut = _cut_view(brain, rng)
            values[cut], brain[cut] = 0, False
        image = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None]
        affine = head.parts.affine
        return MetaTensor(image, affine=affine), MetaTensor(torch.from_numpy(brain)[None], affine=affine)

    def _contrast(self, parts: np.ndarray, brain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        around = _AROUND[self.contrast]
        value = np.array([rng.uniform(*around.get(part.name, (0.0, 1.5))) for part in Part], dtype=np.float32)
        inside = parts == Part.BRAIN
        knots = np.quantile(brain[inside][:: max(1, inside.sum() // 20000)], _QUANTILES)
        target = np.array([rng.uniform(*limits) for limits in _BRAIN[self.contrast]])
        value[Part.AIR] = 0.0
        value[Part.CORD] = target[-1] * rng.uniform(0.8, 1.1)
        value[Part.CSF] = target[0] * rng.uniform(0.7, 1.2)
        if rng.random() < 0.25:
            value[[Part.FAT, Part.MARROW]] *= rng.uniform(0.05, 0.3)
        image = value[parts]
        points = field_points(parts.shape, np.array([1.0, 1.0, 1.0]), rng.uniform(2, 6))
        texture = random_volume(parts.shape, points, rng) * rng.uniform(0, 0.3, len(Part)).astype(np.float32)[parts]
        image *= np.maximum(1 + texture, 0)
        image[inside] = np.interp(brain[inside], knots, target)
        return image


class RandHead(Randomizable, Transform):
    """A random head with skull around a stripped brain, and the mask of the brain in it; see :class:`RandHeadImage`.

    Example:
        >>> import torch
        >>> brain = torch.zeros(1, 70, 80, 64)
        >>> brain[:, 10:60, 10:70, 10:54] = torch.rand(50, 60, 44) + 1
        >>> head, mask = RandHead().set_random_state(0)(brain)
        >>> head.shape == mask.shape
        True
    """

    def __init__(self, contrasts: tuple[str, ...] = CONTRASTS, faults: float = 1.0) -> None:
        self.anatomy, self.image = RandHeadAnatomy(), RandHeadImage(contrasts, faults)

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> RandHead:
        """Make the draws reproducible."""
        super().set_random_state(seed, state)
        self.anatomy.set_random_state(seed, state)
        self.image.set_random_state(seed, state)
        return self

    def __call__(self, brain: torch.Tensor) -> tuple[MetaTensor, MetaTensor]:
        """Head around a stripped brain.

        Args:
            brain: see :class:`RandHeadAnatomy`.

        Returns:
            image (1, X', Y', Z'), float32, and mask, boolean, in RAS with the brain's spacing; larger than the input.
        """
        return self.image(self.anatomy(brain))


def _add_lesions(values: np.ndarray, brain: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> None:
    """Fill blobs of the brain with an intensity of their own, some with another core."""
    blob = random_volume(brain.shape, field_points(brain.shape, spacing, rng.uniform(12, 50)), rng)
    limit = np.quantile(blob[brain], rng.uniform(0.93, 0.998))
    values[brain & (blob > limit)] = rng.uniform(0, 2)
    if rng.random() < 0.5:
        values[brain & (blob > limit + 0.4)] = rng.uniform(0, 2)


def _thick_slices(values: np.ndarray, axis: int, thickness: float, spacing: np.ndarray) -> np.ndarray:
    """Average over thick slices along an axis, and interpolate between them as a resampled scan shows it."""
    ratio = thickness / spacing[axis]
    if ratio <= 1:
        return values
    smooth = ndimage.uniform_filter1d(values, max(1, round(ratio)), axis)
    at = np.arange(0, values.shape[axis], ratio)
    slices = np.take(smooth, at.astype(int), axis)
    between = np.clip(np.arange(values.shape[axis]) / ratio, 0, len(at) - 1)
    low = np.minimum(between.astype(int), len(at) - 1)
    weight = (between - low).reshape([-1 if a == axis else 1 for a in range(3)]).astype(np.float32)
    high = np.minimum(low + 1, len(at) - 1)
    return np.take(slices, low, axis) * (1 - weight) + np.take(slices, high, axis) * weight


def _deface(values: np.ndarray, brain: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> None:
    """Remove what lies in front of and below a slanted plane that the brain is behind of."""
    axes = [np.arange(n, dtype=np.float32) * step for n, step in zip(brain.shape, spacing, strict=True)]
    angle = rng.uniform(0.25, 1.1)
    height = np.cos(angle) * axes[1][:, None] - np.sin(angle) * axes[2]
    reach = height[brain.any(axis=0)].max() + rng.uniform(2, 20)
    values[:, height > reach] = 0


def _cut_view(brain: np.ndarray, rng: np.random.Generator) -> tuple[slice, ...]:
    """What lies beyond a plane: below, most often, or at another side; it may have a part of the brain."""
    axis, end = ((2, 0), (2, 0), (2, 1), (1, 0), (0, 0), (0, 1))[rng.integers(6)]
    found = np.flatnonzero(brain.any(axis=tuple({0, 1, 2} - {axis})))
    first, last, size = found[0], found[-1], brain.shape[axis]
    low, high = (-0.3, 0.15) if axis == 2 else (-0.2, 0.02)
    cut = int(rng.uniform(low, high) * (last - first))
    index = [slice(None)] * 3
    index[axis] = slice(0, max(0, first + cut)) if end == 0 else slice(min(size, last + 1 - cut), None)
    return tuple(index)
