"""Random looks of slices: as another sequence would show them, or another object, so that networks trust the data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from monai.transforms import RandomizableTransform
from skimage.draw import random_shapes

from monai_gan_recon.simulation.phase import random_field
from monai_gan_recon.transforms.dictionary import RandArrayTransformd

_SHADES = 254  # of scikit-image's shapes; 255 is its background


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


class RandPhantom(RandomizableTransform):
    """Now and then, show a phantom in the place of a slice.

    A disc or ellipse of liquid that fills 60 to 110 % of the frame, with shapes of any intensity in it
    (:func:`skimage.draw.random_shapes`), smoothly shaded, sharp at its edges. Bottles like it are what scanners are
    tested with, and a network that knows heads alone invents streaks in them.

    Args:
        prob: how often.

    Example:
        >>> import torch
        >>> phantom = RandPhantom(prob=1.0).set_random_state(0)(torch.zeros(1, 128, 256))
        >>> phantom.shape, bool((phantom >= 0).all()), float(phantom.max())
        (torch.Size([1, 128, 256]), True, 1.0)
    """

    def __init__(self, prob: float = 0.1) -> None:
        RandomizableTransform.__init__(self, prob)

    def randomize(self, data: object | None = None) -> None:
        """Draw whether there is one, and the seed of its looks."""
        super().randomize(None)
        self.seed = int(self.R.randint(2**31 - 1))

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """Slice (1, H, W) to slice or phantom of the same size, float32, in [0, 1]."""
        self.randomize()
        return _phantom(img.shape[-2:], np.random.default_rng(self.seed)) if self._do_transform else img


def _phantom(size: Sequence[int], rng: np.random.Generator) -> torch.Tensor:
    height, width = size
    shapes, _ = random_shapes(
        (height, width),
        max_shapes=int(rng.integers(1, 30)),
        min_size=3,
        max_size=max(4, min(size) // 2),
        num_channels=1,
        channel_axis=None,
        intensity_range=(0, _SHADES),
        allow_overlap=True,
        rng=rng,
    )
    values = shapes.astype(np.float32) / _SHADES
    values[shapes > _SHADES] = rng.uniform(0.2, 1)
    y, x = (np.arange(n) - n / 2 - rng.uniform(-0.05, 0.05) * n for n in size)
    radii = rng.uniform(0.3, 0.55, 2) * size
    if rng.random() < 0.5:  # a circle
        radii[:] = radii.min()
    inside = (y[:, None] / radii[0]) ** 2 + (x / radii[1]) ** 2 < 1
    shading = np.exp(rng.uniform(0, 0.3) * random_field((height, width), 3, rng).numpy())
    phantom = np.where(inside, values * shading, 0)
    return torch.from_numpy(np.float32(phantom / phantom.max()))[None]


class RandPhantomd(RandArrayTransformd):
    """Dictionary version of :class:`RandPhantom`."""

    array_version = RandPhantom
