"""Optional preprocessing of a volume: N4 correction of its bias field, and edge-preserving denoising."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
import torch
from monai.transforms import Transform
from monai.utils import convert_to_dst_type

from monai_gan_recon.checks import check_counts, check_positive
from monai_gan_recon.segmentation.brain_mask import MaskedTransformd, mask_values, spacing_mm, volume_values

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
        check_positive(fit_spacing=fit_spacing, tolerance=tolerance)
        for count in iterations or (0,):
            check_counts(iterations=count)
        self.fit_spacing, self.iterations, self.tolerance = fit_spacing, tuple(iterations), tolerance

    def __call__(self, image: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Correct a volume (1, X, Y, Z) of magnitudes in any unit; float32, with its affine and history.

        The field is fitted within ``mask`` (1, X, Y, Z); None: :class:`BrainMask` of the image.
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


class CorrectBiasFieldd(MaskedTransformd):
    """Dictionary version of :class:`CorrectBiasField`; without a mask the :class:`BrainMask` of each volume."""

    array_version = CorrectBiasField


class DenoiseAnisotropic(Transform):
    """Smooth a volume within tissues and keep the edges between them.

    Curvature anisotropic diffusion (Whitaker and Xue, ICIP 2001; SimpleITK), with the longest time step that is
    stable at the volume's spacing. It does not depend on the unit of the intensities.

    Args:
        iterations: number of time steps, at least 1; more smooths more.
        conductance: edges that are weak against the image's mean gradient times this are smoothed away; above 0.

    Raises:
        ValueError: for values out of range; at the call, see :func:`volume_values` and :func:`mask_values`.
    """

    def __init__(self, iterations: int = 5, conductance: float = 0.5) -> None:
        check_counts(iterations=iterations)
        check_positive(conductance=conductance)
        self.iterations, self.conductance = iterations, conductance

    def __call__(self, image: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Denoise a volume (1, X, Y, Z) in any unit; float32, with its affine and history.

        Outside of ``mask`` (1, X, Y, Z) the image stays as it is, so that a zero background remains one; None: nowhere.
        """
        values, spacing = volume_values(image), spacing_mm(image)
        diffusion = sitk.CurvatureAnisotropicDiffusionImageFilter()
        diffusion.SetNumberOfIterations(self.iterations)
        diffusion.SetConductanceParameter(self.conductance)
        diffusion.SetTimeStep(min(spacing) / 2 ** (values.ndim + 1))
        smooth = sitk.GetArrayFromImage(diffusion.Execute(itk_image(values, spacing))).T
        if mask is not None:
            inside = mask_values(mask, image)
            smooth = smooth * inside + values * ~inside
        return convert_to_dst_type(smooth[None], image, dtype=torch.float32)[0]


class DenoiseAnisotropicd(MaskedTransformd):
    """Dictionary version of :class:`DenoiseAnisotropic`; without a mask it denoises everywhere."""

    array_version = DenoiseAnisotropic


def itk_image(values: np.ndarray, spacing: Sequence[float]) -> sitk.Image:
    """SimpleITK image of an array (X, Y, Z) with voxels of this size in mm, unrotated, its origin at 0."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.T))
    image.SetSpacing([float(step) for step in spacing])
    return image
