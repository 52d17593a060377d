"""Where the brain is: the foreground of skull-stripped images, of others the largest bright region."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.morphology import isotropic_closing

from monai_gan_recon.checks import check_numbers, check_positive
from monai_gan_recon.segmentation.labels import check_grid
from monai_gan_recon.transforms.dictionary import ArrayTransformd

METHODS = ("auto", "nonzero", "otsu")
MOST_MM = 1000
"""Longest side of an image of a head in mm: resampled to voxels of 1 mm, larger ones would not fit into memory."""

_STRIPPED = 0.9
"""Fraction of the volume's outermost voxels that are exactly 0 in a skull-stripped image."""


class BrainMask(Transform):
    """Brain mask of a volume; of a head with its skull, the head.

    * "nonzero": all voxels that are not 0, holes filled. For skull-stripped images.
    * "otsu": voxels above a fraction of Otsu's threshold, closed by a ball, the largest connected region of it,
      holes filled. For images with noise or ringing in the background, such as reconstructions.
    * "auto": "nonzero" if 90 % of the outermost voxels of the volume are exactly 0, "otsu" otherwise.

    Args:
        method: "auto", "nonzero" or "otsu".
        closing_mm: "otsu": radius of the closing ball in mm, 0 or more.
        otsu_fraction: "otsu": fraction of Otsu's threshold, counted from the image's minimum; 1 drops dark
            cerebrospinal fluid at the surface of the brain in T1 images.

    Raises:
        ValueError: for another method, a negative radius or a fraction that is not positive; at the call, for a
            volume that is not (1, X, Y, Z), larger than a head, with NaN or infinite values, all zero, or (with "otsu")
            constant.
    """

    def __init__(self, method: str = "auto", closing_mm: float = 3.0, otsu_fraction: float = 0.7) -> None:
        if method not in METHODS:
            raise ValueError(f"unknown method of masking {method!r}: choose one of {', '.join(METHODS)}")
        check_numbers(closing_mm=closing_mm)
        check_positive(otsu_fraction=otsu_fraction)
        self.method, self.closing_mm, self.otsu_fraction = method, closing_mm, otsu_fraction

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Mask of a volume (1, X, Y, Z): boolean, the same shape, affine and device."""
        values = volume_values(image)
        sides = [n * mm for n, mm in zip(values.shape, spacing_mm(image), strict=True)]
        if max(sides) > MOST_MM:
            size = " x ".join(f"{mm:.4g}" for mm in sides)
            raise ValueError(f"the image is {size} mm large, more than any head; check its spacing and its unit")
        if self.method == "nonzero" or (self.method == "auto" and _outermost_zeros(values) >= _STRIPPED):
            mask = values != 0
        else:
            mask = self._above_otsu(values, spacing_mm(image))
        return convert_to_dst_type(ndimage.binary_fill_holes(mask)[None], image, dtype=torch.bool)[0]

    def _above_otsu(self, values: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
        low = values.min()
        if low == values.max():
            raise ValueError(f"the image is constant (every value is {low:g}); there is no brain in it")
        mask = values > low + self.otsu_fraction * (threshold_otsu(values) - low)
        if self.closing_mm > 0:
            mask = isotropic_closing(mask, self.closing_mm, spacing=spacing)
        regions, count = ndimage.label(mask)
        return regions == np.argmax(np.bincount(regions.ravel())[1:]) + 1 if count > 1 else mask


class BrainMaskd(MapTransform):
    """Dictionary version of :class:`BrainMask`: adds the mask of the one image under ``mask_key``."""

    def __init__(self, keys: KeysCollection = "image", mask_key: str = "brain_mask", **options: Any) -> None:
        super().__init__(keys)
        self.mask_key, self.masker = mask_key, BrainMask(**options)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the mask."""
        return dict(data) | {self.mask_key: self.masker(data[self.first_key(dict(data))])}


class MaskedTransformd(ArrayTransformd):
    """Base of the dictionary versions of transforms of an image and its brain mask, under ``mask_key``, if there is."""

    def __init__(self, keys: KeysCollection = "image", mask_key: str | None = None, **options: Any) -> None:
        super().__init__(keys, **options)
        self.mask_key = mask_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace the volumes."""
        mask = None if self.mask_key is None else data[self.mask_key]
        return self._replaced(data, lambda image: self.transform(image, mask))


def volume_values(image: torch.Tensor) -> np.ndarray:
    """Values of a volume (1, X, Y, Z) as float32 (X, Y, Z), checked.

    Raises:
        ValueError: if it has another shape, is complex, holds NaN or infinite values, or is 0 everywhere.
    """
    if image.ndim != 4 or image.shape[0] != 1 or image.is_complex():
        kind = "complex " if image.is_complex() else ""
        raise ValueError(f"a real volume (1, X, Y, Z) is needed, not {kind}values of shape {tuple(image.shape)}")
    values: np.ndarray = image.as_subclass(torch.Tensor)[0].detach().float().cpu().numpy()
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise ValueError(
            f"the image has {bad} of {values.size} values that are NaN or infinite; repair the image first"
        )
    if not values.any():
        raise ValueError("the image is 0 everywhere; there is no brain in it")
    return values


def mask_values(mask: torch.Tensor | None, image: torch.Tensor) -> np.ndarray:
    """Mask of a volume (1, X, Y, Z) as booleans (X, Y, Z): what is not 0, or :class:`BrainMask` of the image.

    Raises:
        ValueError: if the mask has another shape or affine than the image, or is empty.
    """
    mask = BrainMask()(image) if mask is None else mask
    check_grid(mask, image, "the brain mask")
    inside: np.ndarray = (mask.as_subclass(torch.Tensor)[0] != 0).cpu().numpy()
    if not inside.any():
        raise ValueError("the brain mask is empty; give one that covers the brain, or none")
    return inside


def spacing_mm(image: torch.Tensor) -> tuple[float, float, float]:
    """Size of a voxel along the array axes in mm, from the affine; (1, 1, 1) of a plain tensor."""
    if not isinstance(image, MetaTensor):
        return (1.0, 1.0, 1.0)
    x, y, z = np.linalg.norm(image.affine.double().cpu().numpy()[:3, :3], axis=0).tolist()
    return (x, y, z)


def _outermost_zeros(values: np.ndarray) -> float:
    faces = [np.take(values, [0, -1], axis).ravel() for axis in range(3)]
    return float((np.concatenate(faces) == 0).mean())
