"""Undersampling artefacts for training: the zero-filled image of a random sampling pattern."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils import convert_to_dst_type

from monai_gan_recon.kspace import ForwardModel, check_pattern, check_rate, sampling_mask


class RandUndersamplingArtefact(RandomizableTransform):
    """Replace a volume by its zero-filled image, as an undersampled scan without reconstruction gives it.

    Replica track (magnitude image, no noise): all slices along one array axis are sampled with one mask; the
    result is the magnitude of the inverse Fourier transform. Belongs before :class:`NormalizeTissue`.

    Args:
        prob: probability of the artefact, in [0, 1].
        rates: smallest and largest sampling rate, in (0, 1]; drawn log-uniformly.
        patterns: sampling patterns to choose from, see :func:`monai_gan_recon.kspace.sampling_mask`.
        slice_axes: spatial array axes (0 first) along which the slices may be stacked. The phase-encoding axis is
            one of the two others, drawn at random. Slices (C, H, W) have no slice axis; all channels share a mask.

    Raises:
        ValueError: for an unknown pattern, a rate or probability out of range, or a slice axis other than 0, 1, 2;
            at the call, for another shape or an image with negative, NaN or infinite values.
    """

    def __init__(
        self,
        prob: float = 0.5,
        rates: Sequence[float] = (0.08, 0.55),
        patterns: Sequence[str] = ("gaussian1d",),
        slice_axes: Sequence[int] = (0, 1, 2),
    ) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f"the probability must be in [0, 1], got {prob}")
        super().__init__(prob)
        if len(rates) != 2 or not patterns or not slice_axes or not set(slice_axes) <= {0, 1, 2}:
            raise ValueError(
                "needs rates [smallest, largest], patterns, and slice_axes out of 0, 1, 2, not "
                f"{list(rates)}, {list(patterns)}, {list(slice_axes)}"
            )
        for pattern in patterns:
            check_pattern(pattern)
        for rate in rates:
            check_rate(rate)
        self.rates, self.patterns, self.slice_axes = tuple(rates), tuple(patterns), tuple(slice_axes)

    def randomize(self, data: Any | None = None) -> None:
        """Draw whether, and slice axis, phase-encoding axis, rate, pattern and the mask's seed."""
        super().randomize(None)
        self.slice_axis = int(self.R.choice(self.slice_axes))
        self.phase_axis = int(self.R.choice((-1, -2)))
        self.rate = float(np.exp(self.R.uniform(*np.log(self.rates))))
        self.pattern = str(self.R.choice(self.patterns))
        self.seed = int(self.R.randint(2**31 - 1))

    def __call__(self, image: torch.Tensor, randomize: bool = True) -> torch.Tensor:
        """Undersample a volume (C, X, Y, Z) or slices (C, H, W) of magnitudes; float32 out, same shape, affine."""
        if randomize:
            self.randomize()
        if not self._do_transform:
            return image
        slices = _slices(image, self.slice_axis)
        size = (slices.shape[-2], slices.shape[-1])
        mask = sampling_mask(self.pattern, size, self.rate, self.phase_axis, self.seed)
        result = zero_filled_image(slices, mask).abs()
        if image.ndim == 4:
            result = result.movedim(1, self.slice_axis + 1)
        return convert_to_dst_type(result, image, dtype=torch.float32)[0]


class RandUndersamplingArtefactd(RandomizableTransform, MapTransform):
    """Dictionary version of :class:`RandUndersamplingArtefact`; all keys get the same artefact.

    Args:
        keys: keys of the images.
        prob: see :class:`RandUndersamplingArtefact`.
        rates: see :class:`RandUndersamplingArtefact`.
        patterns: see :class:`RandUndersamplingArtefact`.
        slice_axes: see :class:`RandUndersamplingArtefact`.
        allow_missing_keys: skip keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        prob: float = 0.5,
        rates: Sequence[float] = (0.08, 0.55),
        patterns: Sequence[str] = ("gaussian1d",),
        slice_axes: Sequence[int] = (0, 1, 2),
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, 1.0)
        self.artefact = RandUndersamplingArtefact(prob, rates, patterns, slice_axes)

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> RandUndersamplingArtefactd:
        """Make the draws reproducible."""
        super().set_random_state(seed, state)
        self.artefact.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Undersample the images."""
        result = dict(data)
        self.artefact.randomize()
        for key in self.key_iterator(result):
            result[key] = self.artefact(result[key], randomize=False)
        return result


def zero_filled_image(slices: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Complex zero-filled image (..., H, W) of slices (..., H, W) seen through a sampling mask (H, W)."""
    scan = ForwardModel(mask)
    return scan.adjoint(scan(slices))


def _slices(image: torch.Tensor, slice_axis: int) -> torch.Tensor:
    plain = (image.as_tensor() if isinstance(image, MetaTensor) else image).float()
    if plain.ndim not in (3, 4):
        raise ValueError(
            f"a volume (C, X, Y, Z) or slices (C, H, W) are needed, not shape {tuple(image.shape)}"
        )
    if not (torch.isfinite(plain) & (plain >= 0)).all():
        raise ValueError(
            "undersampling needs magnitudes, the image has negative, NaN or infinite values; undersample before "
            "the intensities are normalised"
        )
    return plain.movedim(slice_axis + 1, 1) if plain.ndim == 4 else plain
