"""Tissues without training: a Gaussian mixture with a Markov random field and a bias field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import softmax
from sklearn.cluster import KMeans

from monai_gan_recon.checks import check_counts, check_numbers, check_positive

FloatArray = NDArray[np.float32]

CONTRASTS: dict[str, tuple[str, ...]] = {
    "t1": ("csf", "gm", "wm"),
    "t2": ("wm", "gm", "csf"),
    "flair": ("csf", "wm", "gm"),
}
"""Tissues from the darkest to the brightest, by contrast."""
_CLASSES = 3
_FLOOR = 0.1
"""Darker voxels count as this fraction of the brain's median: the logarithm of nothing is no intensity."""
_MAX_NEGATIVE = 0.02
"""Largest fraction of the brain that is negative, as interpolation may leave it."""
_MIN_VARIANCE = 1e-6
"""Least variance of a class, of the logarithm of intensity."""
_FULL_ROUNDS = 3
"""Rounds of the field at full resolution, from the parameters that the coarse grid gave."""
_FWHM_OVER_SIGMA = 2.3548


@dataclass(frozen=True)
class TissueFit:
    """What a mixture says of a brain.

    Attributes:
        probability: of each class, darkest first, (3, X, Y, Z), of sum 1 in the brain and 0 outside.
        intensity: logarithm of intensity without the bias field, (X, Y, Z), 0 outside of the brain.
        means: of the classes, in the unit of ``intensity``, ascending.
    """

    probability: FloatArray
    intensity: FloatArray
    means: tuple[float, float, float]


class TissueMixture:
    r"""Fit three Gaussian classes, a Markov random field and a bias field to a brain (no weights).

    FSL FAST's method (Zhang, Brady and Smith, IEEE TMI 20(1), 2001): expectation-maximisation on the logarithm of
    intensity, where the bias field b adds, with the field's posterior in mean-field form,

    .. math:: q_k(i) \propto \mathcal{N}(x_i - b_i; \mu_k, \sigma_k^2) \, \exp\Big(\beta \sum_{j \in N(i)} q_k(j)\Big),
              \quad b = \frac{G * \sum_k q_k (x - \mu_k) / \sigma_k^2}{G * \sum_k q_k / \sigma_k^2}

    where N are the voxels that share a face and G is a Gaussian. Parameters and bias field are found on a coarse
    grid (every n-th voxel), the classes then at full resolution. Like FAST it stops after a number of rounds that is
    given and not at convergence: the bias field slowly takes up gray matter's own differences.

    Args:
        beta: weight of the neighbours, 0 or more; 0: each voxel by its own brightness.
        iterations: rounds on the coarse grid, at least 1.
        bias_fwhm: width (full, at half maximum) of G in mm; 0: no bias field.
        fit_spacing: spacing in mm, about, of the coarse grid.

    Raises:
        ValueError: for values out of range.
    """

    def __init__(
        self, beta: float = 0.1, iterations: int = 12, bias_fwhm: float = 18.0, fit_spacing: float = 2.0
    ) -> None:
        check_numbers(beta=beta, bias_fwhm=bias_fwhm)
        check_positive(fit_spacing=fit_spacing)
        check_counts(iterations=iterations)
        self.beta, self.iterations = beta, iterations
        self.bias_fwhm, self.fit_spacing = bias_fwhm, fit_spacing

    def __call__(self, image: np.ndarray, mask: np.ndarray, spacing: Sequence[float] = (1.0, 1.0, 1.0)) -> TissueFit:
        """Fit magnitudes (X, Y, Z) or (X, Y), in any unit, within a boolean mask of the brain; ``spacing`` is in mm.

        Raises:
            ValueError: for NaN or infinite values, an empty mask, or fewer than three intensities in the brain.
        """
        if not np.isfinite(image[mask]).all():
            raise ValueError("the image has NaN or infinite values in its brain mask; repair it first")
        if not mask.any():
            raise ValueError("the brain mask is empty; there are no tissues to tell apart")
        box = ndimage.find_objects(mask.astype(np.uint8))[0]
        logarithm, inside = _logarithm(image[box], mask[box]), mask[box]
        steps = [max(1, round(self.fit_spacing / mm)) for mm in spacing]
        coarse = tuple(slice(None, None, step) for step in steps)
        if inside[coarse].sum() < 100:  # nothing left to fit
            steps, coarse = [1] * inside.ndim, (slice(None),) * inside.ndim
        sigma = [self.bias_fwhm / _FWHM_OVER_SIGMA / (mm * step) for mm, step in zip(spacing, steps, strict=True)]
        classes, bias = self._fit(logarithm[coarse], inside[coarse], sigma)
        corrected = (logarithm - _upsample(bias, steps, inside.shape)) * inside
        probability = classes.posterior(corrected, inside)
        for _ in range(_FULL_ROUNDS):
            probability = classes.posterior(corrected, inside, self.beta, probability)
        result = np.zeros((_CLASSES, *image.shape), np.float32)
        intensity = np.zeros(image.shape, np.float32)
        order = np.argsort(classes.means)
        result[(slice(None), *box)], intensity[box] = probability[order], corrected
        low, middle, high = (float(mean) for mean in classes.means[order])
        return TissueFit(result, intensity, (low, middle, high))

    def _fit(self, logarithm: FloatArray, inside: np.ndarray, sigma: Sequence[float]) -> tuple[_Classes, FloatArray]:
        classes = _Classes.by_k_means(logarithm[inside])
        bias = np.zeros_like(logarithm)
        probability = classes.posterior(logarithm, inside)
        for iteration in range(self.iterations):
            corrected = (logarithm - bias) * inside
            probability = classes.posterior(corrected, inside, self.beta, probability)
            classes = _Classes.of(probability, corrected, inside)
            if self.bias_fwhm > 0 and iteration < self.iterations - 1:
                bias = _bias_field(probability, logarithm, inside, classes, sigma)
        return classes, bias


@dataclass(frozen=True)
class _Classes:
    """Means and variances of the classes."""

    means: FloatArray
    variances: FloatArray

    @classmethod
    def by_k_means(cls, brain: FloatArray) -> _Classes:
        if np.unique(brain).size < _CLASSES:
            raise ValueError(
                "the image has fewer than three intensities in the brain; three tissues cannot be told apart in it"
            )
        start = np.quantile(brain, [0.1, 0.4, 0.8])
        if np.unique(start).size < _CLASSES:
            start = np.linspace(brain.min(), brain.max(), _CLASSES)
        found = KMeans(_CLASSES, init=start[:, None], n_init=1).fit(brain[:, None])
        one_hot = (found.labels_[None] == np.arange(_CLASSES)[:, None]).astype(np.float32)
        return cls.of(one_hot, brain, np.ones(brain.shape, bool))

    @classmethod
    def of(cls, probability: FloatArray, values: FloatArray, inside: np.ndarray) -> _Classes:
        weights, brain = probability[:, inside], values[inside]
        total = np.maximum(weights.sum(axis=1, dtype=np.float64), 1e-12)
        means = (weights * brain).sum(axis=1, dtype=np.float64) / total
        squares = (weights * (brain - means[:, None].astype(np.float32)) ** 2).sum(axis=1, dtype=np.float64)
        variances = np.maximum(squares / total, _MIN_VARIANCE)
        return cls(means.astype(np.float32), variances.astype(np.float32))

    def posterior(
        self, values: FloatArray, inside: np.ndarray, beta: float = 0.0, around: FloatArray | None = None
    ) -> FloatArray:
        """Probabilities (3, ...), 0 outside, by the brightness and, weighted by ``beta``, those of the neighbours."""
        axes = (slice(None), *[None] * values.ndim)
        mean, variance = self.means[axes], self.variances[axes]
        logit = -((values - mean) ** 2) / (2 * variance) - np.log(variance) / 2
        if beta > 0 and around is not None:
            logit += beta * _neighbours(around)
        return np.asarray(softmax(logit, axis=0) * inside, np.float32)


def _logarithm(image: np.ndarray, inside: np.ndarray) -> FloatArray:
    brain = image[inside].astype(np.float64)
    level = float(np.median(brain))
    if level <= 0:
        level = float(brain.max())
    if level <= 0:
        raise ValueError("the image is nowhere above 0 in its brain mask; the mixture needs a magnitude image")
    negative = float((brain < 0).mean())
    if negative > _MAX_NEGATIVE:
        raise ValueError(
            f"{100 * negative:.0f} % of the values in the brain are negative (standardised, or with an offset?); "
            "tissues are told apart in magnitudes, give the image before that step"
        )
    result = np.zeros(image.shape, np.float32)
    result[inside] = np.log(np.maximum(brain / level, _FLOOR))
    return result


def _bias_field(
    probability: FloatArray,
    logarithm: FloatArray,
    inside: np.ndarray,
    classes: _Classes,
    sigma: Sequence[float],
) -> FloatArray:
    """Precision-weighted residual, smoothed within the brain, of mean 0 there; smooth beyond it, too."""
    axes = (slice(None), *[None] * logarithm.ndim)
    precision = probability / classes.variances[axes]
    residual = (precision * (logarithm - classes.means[axes])).sum(axis=0)
    smooth = [ndimage.gaussian_filter(part, sigma, truncate=3.0) for part in (residual, precision.sum(axis=0))]
    bias = smooth[0] / np.maximum(smooth[1], 1e-6 * smooth[1].max())
    return np.asarray(bias - bias[inside].mean(), np.float32)


def _upsample(coarse: FloatArray, steps: Sequence[int], shape: Sequence[int]) -> FloatArray:
    """Linear interpolation from every ``steps``-th voxel of a grid of this shape to all of it."""
    result = coarse
    for axis, (step, n) in enumerate(zip(steps, shape, strict=True)):
        position = np.minimum(np.arange(n) / step, result.shape[axis] - 1)
        low = np.minimum(position.astype(int), max(result.shape[axis] - 2, 0))
        high = np.minimum(low + 1, result.shape[axis] - 1)
        weight = np.expand_dims((position - low).astype(np.float32), tuple(i for i in range(len(shape)) if i != axis))
        result = result.take(low, axis) * (1 - weight) + result.take(high, axis) * weight
    return result


def _neighbours(probability: FloatArray) -> FloatArray:
    """Sum over the voxels that share a face; spatial axes are all but the first."""
    total = np.zeros_like(probability)
    for axis in range(1, probability.ndim):
        moved, source = np.moveaxis(total, axis, 0), np.moveaxis(probability, axis, 0)
        moved[1:] += source[:-1]
        moved[:-1] += source[1:]
    return total
