"""N4 correction of the bias field, the slow change of brightness over the image that coils cause."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type

from monai_gan_recon.segmentation.brain_mask import mask_values, spacing_mm, volume_values

_MIN_SIZE = 8
"""Least length in voxels to which an axis is shrunk."""


class CorrectBiasField(Transform):
    r"""Divide a volume by its bias field, found by N4 (Tustison et al., IEEE TMI 29(6), 2010; SimpleITK).

    The field is fitted on every n-th voxel along each axis and evaluated at the full resolution as a smooth
    spline. It is scaled to a geometric mean of 1 within the mask, so that the image keeps its brightness.

    Args:
        fit_spacing: spacing in mm, about, of the voxels that the field is fitted on; wider is faster.
        iterations: largest number of iterations, one number a level; each level doubles the spline's resolution.
        tolerance: a level ends when the field changes by less than this fraction.

    Raises:
        ValueError: for values that are not positive; at the call, see :func:`volume_values` and
            :func:`mask_values`, and for an image that is constant or nowhere positive within its mask.
    """

    def __init__(
        self,
        fit_spacing: float = 4.0,
        iterations: Sequence[int] = (50, 50, 50, 50),
        tolerance: float = 1e-3,
    ) -> None:
        if fit_spacing <= 0 or tolerance <= 0 or not iterations or min(iterations) < 1:
            raise ValueError(
                "N4 needs fit_spacing and tolerance above 0 and at least one iteration a level, not "
                f"fit_spacing={fit_spacing}, tolerance={tolerance}, iterations={list(iterations)}"
            )
        self.fit_spacing, self.iterations, self.tolerance = fit_spacing, tuple(iterations), tolerance

    def __call__(self, image: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Correct a volume.

        Args:
            image: (1, X, Y, Z), magnitudes in any unit.
            mask: (1, X, Y, Z), where to fit the field; None: :class:`BrainMask` of the image.

        Returns:
            (1, X, Y, Z), float32, with the image's affine and history.
        """
        corrected = volume_values(image) / self.field(image, mask)
        return convert_to_dst_type(corrected[None], image, dtype=torch.float32)[0]

    def field(self, image: torch.Tensor, mask: torch.Tensor | None = None) -> np.ndarray:
        """The bias field (X, Y, Z), dimensionless, of geometric mean 1 within the mask; see :meth:`__call__`."""
        values = volume_values(image)
        inside = mask_values(mask, image) & (values > 0)
        if not inside.any() or np.ptp(values[inside]) == 0:
            raise ValueError(
                "the image is constant or nowhere above 0 within its brain mask; N4 needs a magnitude image"
            )
        spacing = spacing_mm(image)
        factors = [
            max(1, min(round(self.fit_spacing / step), n // _MIN_SIZE))
            for step, n in zip(spacing, values.shape, strict=True)
        ]
        full = itk_image(values, spacing)
        shrunk_mask = sitk.Shrink(itk_image(inside.astype(np.uint8), spacing), factors)
        shrunk = sitk.Shrink(full, factors)
        if not sitk.GetArrayViewFromImage(shrunk_mask).any():  # smaller than the step: fit on all voxels
            shrunk, shrunk_mask = full, itk_image(inside.astype(np.uint8), spacing)
        corrector = sitk.N4BiasFieldCorrectionImageFilter()
        corrector.SetMaximumNumberOfIterations(self.iterations)
        corrector.SetConvergenceThreshold(self.tolerance)
        corrector.Execute(shrunk, shrunk_mask)
        log_field = sitk.GetArrayFromImage(corrector.GetLogBiasFieldAsImage(full)).T
        result: np.ndarray = np.exp(log_field - log_field[inside].mean())
        return result


class CorrectBiasFieldd(MapTransform):
    """Dictionary version of :class:`CorrectBiasField`.

    Args:
        keys: keys of the volumes.
        mask_key: key of the mask; None: the :class:`BrainMask` of each volume.
        fit_spacing: see :class:`CorrectBiasField`.
        iterations: see :class:`CorrectBiasField`.
        tolerance: see :class:`CorrectBiasField`.
        allow_missing_keys: skip keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        mask_key: str | None = None,
        fit_spacing: float = 4.0,
        iterations: Sequence[int] = (50, 50, 50, 50),
        tolerance: float = 1e-3,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.mask_key, self.corrector = mask_key, CorrectBiasField(fit_spacing, iterations, tolerance)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Correct the volumes."""
        result = dict(data)
        mask = None if self.mask_key is None else data[self.mask_key]
        for key in self.key_iterator(result):
            result[key] = self.corrector(result[key], mask)
        return result


def itk_image(values: np.ndarray, spacing: Sequence[float]) -> sitk.Image:
    """SimpleITK image of an array (X, Y, Z) with voxels of this size in mm, unrotated, its origin at 0."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.T))
    image.SetSpacing([float(step) for step in spacing])
    return image
