"""Undersampling artefacts for training: zero-filled or reconstructed images of random sampling patterns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import RandomizableTransform
from monai.utils import convert_to_dst_type
from torch import nn

from monai_gan_recon.checks import check_counts, check_fractions, check_range
from monai_gan_recon.data.cache import describe
from monai_gan_recon.measurement import check_pattern, check_rate, magnitude, sampling_mask
from monai_gan_recon.simulation import acquire, measured_block
from monai_gan_recon.transforms import CropPadSlices
from monai_gan_recon.transforms.dictionary import RandArrayTransformd

_BATCH = 8
"""Slices that a reconstruction network sees at a time."""


class RandUndersamplingArtefact(RandomizableTransform):
    """Replace a volume by what an undersampled scan of it shows: its zero-filled image, or a reconstruction.

    Replica track (magnitude image, no noise): all slices along one array axis are sampled with one mask. Belongs
    before bias-field correction and :class:`TissueFeatures`, which see the artefacts in use as well.

    Args:
        prob: probability of the artefact, in [0, 1].
        rates: smallest and largest sampling rate, in (0, 1]; drawn log-uniformly.
        patterns: sampling patterns to choose from, see :func:`monai_gan_recon.measurement.sampling_mask`.
        slice_axes: spatial array axes (0 first) along which the slices may be stacked. The phase-encoding axis is
            one of the two others, drawn at random.
        size: (H, W), slices are cropped or padded to it before they are sampled; None: as they are.
        network: reconstructs (B, 3, H, W) to (B, 1, H, W), see :class:`monai_gan_recon.networks.ResNetGenerator`.
        reconstructed: probability that what is undersampled is reconstructed, too.

    Raises:
        ValueError: for an unknown pattern, a rate or probability out of range, a slice axis other than 0, 1, 2, or
            reconstructions without a network; at the call, for another shape or an image with negative, NaN or
            infinite values.
    """

    def __init__(
        self,
        prob: float = 0.5,
        rates: Sequence[float] = (0.08, 0.55),
        patterns: Sequence[str] = ("gaussian1d",),
        slice_axes: Sequence[int] = (0, 1, 2),
        size: Sequence[int] | None = None,
        network: nn.Module | None = None,
        reconstructed: float = 0.0,
    ) -> None:
        check_fractions(prob=prob, reconstructed=reconstructed)
        if reconstructed > 0 and network is None:
            raise ValueError(f"a probability of {reconstructed} of reconstructions needs a network")
        super().__init__(prob)
        check_range(rates=rates)
        if not patterns or isinstance(patterns, str):
            raise ValueError(f"patterns must be a list of sampling patterns, not {patterns!r}")
        if not slice_axes:
            raise ValueError("slice_axes must be a list of axes, 0, 1 or 2")
        for axis in slice_axes:
            check_counts(0, 2, slice_axes=axis)
        for pattern in patterns:
            check_pattern(pattern)
        for rate in rates:
            check_rate(rate)
        self.rates, self.patterns, self.slice_axes = tuple(rates), tuple(patterns), tuple(slice_axes)
        self.cropper, self.reconstructed = CropPadSlices(size, "slice_size"), reconstructed
        self.weights = None if network is None else describe(dict(network.state_dict()))
        self._network = network

    def randomize(self, data: Any | None = None) -> None:
        """Draw whether, and slice axis, phase-encoding axis, rate, pattern, the mask's seed, reconstruction or not."""
        super().randomize(None)
        self.slice_axis = int(self.R.choice(self.slice_axes))
        self.phase_axis = int(self.R.choice((-1, -2)))
        self.rate = float(np.exp(self.R.uniform(*np.log(self.rates))))
        self.pattern = str(self.R.choice(self.patterns))
        self.seed = int(self.R.randint(2**31 - 1))
        self.reconstructs = bool(self.R.rand() < self.reconstructed)

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Undersample a volume (C, X, Y, Z) of magnitudes; float32 out, same shape, affine."""
        self.randomize()
        if not self._do_transform:
            return image
        axis = self.slice_axis + 1
        padded: Any = self.cropper(MetaTensor(_checked(image).movedim(axis, 1)))  # it knows how to undo it
        stack = padded.as_tensor().flatten(0, -3)  # (N, H, W)
        mask = sampling_mask(self.pattern, tuple(stack.shape[-2:]), self.rate, self.phase_axis, self.seed)
        seen = MetaTensor(
            self._seen_through(stack, mask).reshape(padded.shape),
            meta=padded.meta,
            applied_operations=padded.applied_operations,
        )
        restored: Any = self.cropper.inverse(seen)
        return convert_to_dst_type(restored.as_tensor().movedim(1, axis), image, dtype=torch.float32)[0]

    def _seen_through(self, stack: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Magnitudes (N, H, W) of slices (N, H, W) seen through a sampling mask (H, W)."""
        data, _ = acquire(stack, mask)
        scan = measured_block(data, real=True)
        if not self.reconstructs or self._network is None:
            return magnitude(scan["zero_filled"])[:, 0]
        result = torch.zeros_like(stack)
        device = next(self._network.parameters()).device
        with torch.inference_mode():
            for start in range(0, len(stack), _BATCH):
                batch = slice(start, start + _BATCH)
                if stack[batch].any():  # empty slices stay empty
                    result[batch] = magnitude(self._network(scan["input"][batch].to(device)))[:, 0].cpu()
        return result


class RandUndersamplingArtefactd(RandArrayTransformd):
    """Dictionary version of :class:`RandUndersamplingArtefact`."""

    array_version = RandUndersamplingArtefact


def _checked(image: torch.Tensor) -> torch.Tensor:
    plain = image.as_subclass(torch.Tensor).float()
    if plain.ndim != 4:
        raise ValueError(f"a volume (C, X, Y, Z) is needed, not shape {tuple(image.shape)}")
    if not (torch.isfinite(plain) & (plain >= 0)).all():
        raise ValueError(
            "undersampling needs magnitudes, the image has negative, NaN or infinite values; undersample before "
            "the intensities are normalised"
        )
    return plain
