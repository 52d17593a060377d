"""What a brain's own tissue mixture says of each voxel: the network's input, and an answer in itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.transforms import Transform
from monai.utils import convert_to_dst_type
from scipy import ndimage

from monai_gan_recon.segmentation.brain_mask import MaskedTransformd, mask_values, spacing_mm, volume_values
from monai_gan_recon.segmentation.labels import TISSUES
from monai_gan_recon.segmentation.mixture import CONTRASTS, TissueMixture

FEATURES = 1 + len(TISSUES)
"""Channels: calibrated intensity, then the probability of each tissue."""
INTENSITY_LIMIT = 3.0
_COARSE_MM = 2.0
"""Spacing, about, at which depths are measured."""


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


def white_matter_depth(features: torch.Tensor, mask: torch.Tensor) -> float:
    """How much deeper white matter lies than the deeper one of the other tissues, whatever the contrast.

    The depth of a tissue is the median distance of its voxels from the border of the brain. A T2 or FLAIR image that is
    taken for T1 has its fluid or cortex for white matter, which lie shallower. Features (4, X, Y, Z) are those of
    :class:`TissueFeatures`, the brain is ``mask`` (1, X, Y, Z).

    Returns:
        The difference of the depths over the depth of all tissue; 0 if a tissue is missing.
    """
    steps = [max(1, round(_COARSE_MM / mm)) for mm in spacing_mm(features)]
    coarse = tuple(slice(None, None, step) for step in steps)
    inside = mask_values(mask, mask)[coarse]
    sampling = [mm * step for mm, step in zip(spacing_mm(features), steps, strict=True)]
    padded = ndimage.distance_transform_edt(np.pad(inside, 1), sampling)
    depth = padded[1:-1, 1:-1, 1:-1][inside]
    tissue = features[(slice(1, None), *coarse)].argmax(0).cpu().numpy()[inside]
    if np.unique(tissue).size < len(TISSUES):
        return 0.0
    csf, gm, wm = (float(np.median(depth[tissue == label])) for label in range(len(TISSUES)))
    return (wm - max(csf, gm)) / float(np.median(depth))
