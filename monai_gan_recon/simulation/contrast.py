"""Random contrasts: one head looks as another sequence would show it."""

from __future__ import annotations

import numpy as np
import torch
from monai.transforms import RandomizableTransform

from monai_gan_recon.transforms.dictionary import RandArrayTransformd


class RandContrastCurve(RandomizableTransform):
    """Now and then, replace intensities along a random curve that goes up and down.

    The curve is linear between 4 to 7 knots at equal distances, of random heights; 0 stays 0, so that air stays dark.
    Tissues change their order as between T1, T2 and FLAIR (domain randomisation, Billot et al., SynthSeg, 2023), what
    monotone changes such as MONAI's ``RandAdjustContrast`` and ``RandHistogramShift`` do not give.

    Args:
        prob: how often.

    Example:
        >>> import torch
        >>> curve = RandContrastCurve(prob=1.0).set_random_state(0)
        >>> changed = curve(torch.linspace(0, 1, 256)[None, None])
        >>> float(changed.min()), float(changed.max()), bool((changed.diff() < 0).any())
        (0.0, 1.0, True)
    """

    def __init__(self, prob: float = 0.25) -> None:
        RandomizableTransform.__init__(self, prob)

    def randomize(self, data: object | None = None) -> None:
        """Draw whether intensities change, and the heights of the knots."""
        super().randomize(None)
        self.heights = self.R.uniform(0, 1, self.R.randint(4, 8))
        self.heights[0] = 0

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """Image of any shape in [0, 1] to float32 of the same shape in [0, 1]."""
        self.randomize()
        if not self._do_transform:
            return img
        knots = np.linspace(0, 1, len(self.heights))
        changed = np.interp(np.asarray(img, dtype=np.float32), knots, self.heights / self.heights.max())
        return torch.from_numpy(changed.astype(np.float32))


class RandContrastCurved(RandArrayTransformd):
    """Dictionary version of :class:`RandContrastCurve`."""

    array_version = RandContrastCurve
