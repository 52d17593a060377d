"""Tissues without training: a Gaussian mixture with a Markov random field."""

from __future__ import annotations

import numpy as np
import torch
from monai.data import MetaTensor
from monai.utils import convert_to_dst_type
from sklearn.mixture import GaussianMixture

from monai_gan_recon.segmentation.labels import NUM_CLASSES, TISSUES

CONTRASTS: dict[str, tuple[str, ...]] = {
    "t1": ("csf", "gm", "wm"),
    "t2": ("wm", "gm", "csf"),
    "flair": ("csf", "wm", "gm"),
}
"""Tissues from the darkest to the brightest, by contrast."""
_SAMPLES = 50_000
"""Largest number of voxels that the starting mixture is fitted to."""
_MIN_VARIANCE = 1e-6
"""Least variance of a class, as a fraction of the image's variance within the brain."""


class TissueMixture(torch.nn.Module):
    r"""Label tissues by their brightness: three Gaussian classes and a Markov random field (no weights).

    A mixture of three Gaussians is fitted to the brain's intensities (scikit-learn); then class probabilities,
    means and variances are refined in turn (Zhang, Brady and Smith, IEEE TMI 20(1), 2001), with the field's
    posterior in mean-field form:

    .. math:: q_k(i) \propto \mathcal{N}(x_i; \mu_k, \sigma_k^2) \, \exp\Big(\beta \sum_{j \in N(i)} q_k(j)\Big)

    where N are the voxels that share a face, whatever the spacing. Each image is fitted on its own and must be
    whole: patches lack tissues. Classes are told apart by the order of their means, so the contrast must be known.

    Args:
        contrast: "t1" (CSF darkest, white matter brightest), "t2" (the reverse) or "flair" (CSF, WM, GM).
        beta: weight of the neighbours, 0 or more; 0: each voxel by its own brightness.
        iterations: rounds of refinement, at least 1.
        seed: of the starting mixture.

    Raises:
        ValueError: for another contrast or values out of range.
    """

    def __init__(self, contrast: str = "t1", beta: float = 1.0, iterations: int = 10, seed: int = 0) -> None:
        super().__init__()
        if contrast not in CONTRASTS:
            raise ValueError(f"unknown contrast {contrast!r}: choose one of {', '.join(CONTRASTS)}")
        if beta < 0 or iterations < 1:
            raise ValueError(
                f"beta must be 0 or more and iterations at least 1, got beta={beta}, iterations={iterations}"
            )
        label_of = {name: label for label, name in TISSUES.items()}
        self.labels = [label_of[name] for name in CONTRASTS[contrast]]
        self.beta, self.iterations, self.seed = beta, iterations, seed

    @torch.no_grad()
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Class probabilities of images, as a network after its softmax gives them.

        Args:
            image: (B, 1, H, W, D) or (B, 1, H, W), in any unit; exactly 0 outside of the brain and nowhere else
                (see :class:`NormalizeTissue`).

        Returns:
            (B, 4, H, W, D), float32, in [0, 1], of sum 1: background (1 outside of the brain), CSF, GM, WM.

        Raises:
            ValueError: for another shape, NaN or infinite values, an image that is 0 everywhere, or one with
                fewer than three intensities in the brain.
        """
        if image.ndim < 4 or image.shape[1] != 1:
            raise ValueError(f"a tissue mixture needs images (B, 1, ...), got {tuple(image.shape)}")
        plain = image.as_tensor() if isinstance(image, MetaTensor) else image
        result = torch.stack([self._probabilities(item[0].float()) for item in plain])
        return convert_to_dst_type(result, image, dtype=torch.float32)[0]

    def _probabilities(self, volume: torch.Tensor) -> torch.Tensor:
        inside = volume != 0
        if not torch.isfinite(volume).all():
            raise ValueError("the image has NaN or infinite values; repair it first")
        if not inside.any():
            raise ValueError("the image is 0 everywhere; there is no brain in it")
        voxels = torch.nonzero(inside, as_tuple=True)
        box = tuple([slice(int(index.min()), int(index.max()) + 1) for index in voxels])
        brain = volume[inside].double()
        values = ((volume[box] - brain.mean()) / brain.std().clamp_min(1e-30)).float()
        tissues = self._refine(values, inside[box])
        result = volume.new_zeros((NUM_CLASSES, *volume.shape))
        result[0] = (~inside).float()
        for label, probability in zip(self.labels, tissues, strict=True):
            result[label][box] = probability
        return result

    def _refine(self, values: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """Probabilities of the three classes, darkest first, (3, ...), 0 outside."""
        brain = values[inside]
        means, variances = _starting_mixture(brain.cpu().numpy(), self.seed)
        shape = (-1, *[1] * values.ndim)
        probability = values.new_zeros((len(self.labels), *values.shape))
        for _ in range(self.iterations):
            mean, variance = (values.new_tensor(v).reshape(shape) for v in (means, variances))
            logit = self.beta * _neighbours(probability)
            logit -= (values - mean) ** 2 / (2 * variance) + variance.log() / 2
            probability = torch.softmax(logit, dim=0) * inside
            weights = probability[:, inside].double()
            total = weights.sum(dim=1).clamp_min(1e-12)
            means = (weights @ brain.double() / total).tolist()
            spread = (brain.double() - torch.tensor(means, device=brain.device)[:, None]) ** 2
            variances = ((weights * spread).sum(dim=1) / total).clamp_min(_MIN_VARIANCE).tolist()
        return probability[np.argsort(means).tolist()]


def _starting_mixture(brain: np.ndarray, seed: int) -> tuple[list[float], list[float]]:
    """Means and variances of three Gaussians, fitted to a sample of the brain's values."""
    if brain.size > _SAMPLES:
        brain = np.random.default_rng(seed).choice(brain, _SAMPLES, replace=False)
    if np.unique(brain).size < 3:
        raise ValueError(
            "the image has fewer than three intensities in the brain; three tissues cannot be told apart in it"
        )
    mixture = GaussianMixture(3, max_iter=500, reg_covar=_MIN_VARIANCE, random_state=seed)
    mixture.fit(brain.astype(np.float64)[:, None])
    return mixture.means_.ravel().tolist(), mixture.covariances_.ravel().tolist()


def _neighbours(probability: torch.Tensor) -> torch.Tensor:
    """Sum over the voxels that share a face; spatial axes are all but the first."""
    total = torch.zeros_like(probability)
    for axis in range(1, probability.ndim):
        n = probability.shape[axis] - 1
        total.narrow(axis, 1, n).add_(probability.narrow(axis, 0, n))
        total.narrow(axis, 0, n).add_(probability.narrow(axis, 1, n))
    return total
