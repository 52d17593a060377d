"""What a brain's own tissue mixture says of each voxel: the network's input, and an answer in itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.transforms import Transform
from monai.utils import convert_to_dst_type

from monai_gan_recon.segmentation.brain_mask import MaskedTransformd, mask_values, spacing_mm, volume_values
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
        options: of :class:`TissueMixture`.

    Raises:
        ValueError: for another contrast or values out of range; at the call, see :func:`volume_values`,
            :func:`mask_values` and :class:`TissueMixture`.
    """

    def __init__(self, contrast: str = "t1", **options: Any) -> None:
        if contrast not in CONTRASTS:
            raise ValueError(f"unknown contrast {contrast!r}: choose one of {', '.join(CONTRASTS)}")
        self.order = [CONTRASTS[contrast].index(tissue) for tissue in TISSUES.values()]
        self.mixture = TissueMixture(**options)

    def __call__(self, image: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Features of a volume (1, X, Y, Z) of magnitudes in any unit.

        The brain is that of ``mask`` (1, X, Y, Z); None: :class:`BrainMask` of the image.

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


class TissueFeaturesd(MaskedTransformd):
    """Dictionary version of :class:`TissueFeatures`; without a mask the :class:`BrainMask` of each volume."""

    array_version = TissueFeatures
