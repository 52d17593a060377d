"""What a brain's own tissue mixture says of each voxel: the network's input, and an answer in itself."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type
from torch import nn

from monai_gan_recon.segmentation.brain_mask import mask_values, spacing_mm, volume_values
from monai_gan_recon.segmentation.labels import TISSUES
from monai_gan_recon.segmentation.mixture import CONTRASTS, TissueMixture

FEATURES = 1 + len(TISSUES)
"""Channels: calibrated intensity, then the probability of each tissue."""
INTENSITY_LIMIT = 3.0


class TissueFeatures(Transform):
    """Turn a brain into its intensity, calibrated by its own tissues, and their probabilities.

    The intensity is the logarithm without bias field of a :class:`TissueMixture`, mapped linearly between the means
    of the classes so that the darkest is -1, the middle one 0 and the brightest 1, and limited to [-3, 3]: whatever
    scanner, gain and contrast of that order, tissues look alike. A network that sees patches only learns of the
    whole brain in this way.

    Args:
        contrast: "t1" (CSF darkest, white matter brightest), "t2" (the reverse) or "flair" (CSF, WM, GM).
        beta: see :class:`TissueMixture`.
        iterations: see :class:`TissueMixture`.
        bias_fwhm: see :class:`TissueMixture`.

    Raises:
        ValueError: for another contrast or values out of range; at the call, see :func:`volume_values`,
            :func:`mask_values` and :class:`TissueMixture`.
    """

    def __init__(
        self, contrast: str = "t1", beta: float = 0.1, iterations: int = 12, bias_fwhm: float = 18.0
    ) -> None:
        if contrast not in CONTRASTS:
            raise ValueError(f"unknown contrast {contrast!r}: choose one of {', '.join(CONTRASTS)}")
        self.order = [CONTRASTS[contrast].index(tissue) for tissue in TISSUES.values()]
        self.mixture = TissueMixture(beta, iterations, bias_fwhm)

    def __call__(self, image: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Features of a volume.

        Args:
            image: (1, X, Y, Z), magnitudes in any unit.
            mask: (1, X, Y, Z), the brain; None: :class:`BrainMask` of the image.

        Returns:
            (4, X, Y, Z), float32, 0 outside of the brain, with the image's affine and history: intensity in
            [-3, 3], and the probabilities of CSF, gray and white matter, of sum 1 in the brain.
        """
        values, inside = volume_values(image), mask_values(mask, image)
        fit = self.mixture(values, inside, spacing_mm(image))
        intensity = np.interp(fit.intensity, fit.means, (-1.0, 0.0, 1.0))
        low, middle, high = fit.means
        intensity += np.minimum(fit.intensity - low, 0) / max(middle - low, 1e-3)
        intensity += np.maximum(fit.intensity - high, 0) / max(high - middle, 1e-3)
        limited = np.clip(intensity, -INTENSITY_LIMIT, INTENSITY_LIMIT) * inside
        features = np.concatenate([limited[None].astype(np.float32), fit.probability[self.order]])
        return convert_to_dst_type(features, image, dtype=torch.float32)[0]


class TissueFeaturesd(MapTransform):
    """Dictionary version of :class:`TissueFeatures`.

    Args:
        keys: keys of the volumes.
        mask_key: key of the brain mask; None: the :class:`BrainMask` of each volume.
        contrast: see :class:`TissueFeatures`.
        beta: see :class:`TissueFeatures`.
        iterations: see :class:`TissueFeatures`.
        bias_fwhm: see :class:`TissueFeatures`.
        allow_missing_keys: skip keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        mask_key: str | None = None,
        contrast: str = "t1",
        beta: float = 0.1,
        iterations: int = 12,
        bias_fwhm: float = 18.0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.mask_key, self.features = mask_key, TissueFeatures(contrast, beta, iterations, bias_fwhm)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace the volumes by their features."""
        result = dict(data)
        mask = None if self.mask_key is None else data[self.mask_key]
        for key in self.key_iterator(result):
            result[key] = self.features(result[key], mask)
        return result


class MixtureScores(nn.Module):
    """Take the mixture's own probabilities for the answer: a segmentation without weights, in a network's place."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Scores of the classes.

        Args:
            features: (B, 4, ...), see :class:`TissueFeatures`.

        Returns:
            (B, 4, ...), in [0, 1], of sum 1: background (1 outside of the brain), CSF, GM, WM.

        Raises:
            ValueError: for another number of channels.
        """
        if features.ndim < 3 or features.shape[1] != FEATURES:
            raise ValueError(
                f"the mixture's scores need features (B, {FEATURES}, ...), got {tuple(features.shape)}"
            )
        tissues = features[:, 1:]
        return torch.cat((1 - tissues.sum(dim=1, keepdim=True), tissues), dim=1)
