"""Magnitude and phase files of one image to a complex image."""

from __future__ import annotations

import os

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from monai_gan_recon.io.images import read_image
from monai_gan_recon.transforms.dictionary import ArrayTransformd

from ..checks import home_expanded

_MAX_PHASE = 2 * np.pi * 1.001


class WithPhase(Transform):
    """Magnitude volume → complex volume (1, X, Y, Z), complex64.

    Args:
        phase: file of the phase in radians, from -pi to pi or from 0 to 2 pi, on the magnitude's grid.
        plane: plane of the slices of ".npy" files.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: at the call, if it does not fit the magnitude, is not finite or not in radians.
    """

    def __init__(self, phase: str | os.PathLike[str], plane: str | None = None) -> None:
        self.path = home_expanded(phase)
        self.plane = plane
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path}: no such phase image; check the path of --phase")

    def __call__(self, magnitude: MetaTensor) -> MetaTensor:
        """Combine magnitude and phase."""
        name = magnitude.meta.get("filename_or_obj", "the image")
        if magnitude.is_complex():
            raise ValueError(f"{name}: is complex already; leave out --phase")
        values, affine, _ = read_image(self.path, self.plane)
        if values.shape != tuple(magnitude.shape[1:]):
            raise ValueError(f"{self.path}: the phase is {values.shape}, the magnitude {tuple(magnitude.shape[1:])}")
        grid = np.abs(affine - np.asarray(magnitude.affine)).max()
        if self.path.suffix.lower() != ".npy" and grid > 1e-2 * np.abs(affine[:3, :3]).max():
            raise ValueError(f"{self.path}: the phase lies on another grid (affine) than the magnitude")
        low, high = (float("nan"),) * 2 if np.iscomplexobj(values) else (float(values.min()), float(values.max()))
        if not -_MAX_PHASE <= low <= high <= _MAX_PHASE:
            raise ValueError(
                f"{self.path}: the phase must be real numbers in radians, from -pi to pi or from 0 to 2 pi, not from "
                f"{low:g} to {high:g}; convert it first"
            )
        if high > 0 and any(abs(high - 1) < 0.01 and abs(low - least) < 0.01 for least in (-1, 0)):
            raise ValueError(
                f"{self.path}: the phase goes from {low:.3g} to {high:.3g}, it seems to be scaled; give it in radians"
            )
        phase = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
        combined: MetaTensor = torch.polar(magnitude, phase.expand_as(magnitude))
        return combined


class WithPhased(ArrayTransformd):
    """Dictionary version of :class:`WithPhase`."""

    array_version = WithPhase
