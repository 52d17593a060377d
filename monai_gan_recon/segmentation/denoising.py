"""Edge-preserving denoising by anisotropic diffusion."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import SimpleITK as sitk
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type

from monai_gan_recon.segmentation.bias_field import itk_image
from monai_gan_recon.segmentation.brain_mask import mask_values, spacing_mm, volume_values


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
        if iterations < 1 or conductance <= 0:
            raise ValueError(
                f"denoising needs iterations of at least 1 and conductance above 0, got {iterations} and {conductance}"
            )
        self.iterations, self.conductance = iterations, conductance

    def __call__(self, image: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Denoise a volume.

        Args:
            image: (1, X, Y, Z), in any unit.
            mask: (1, X, Y, Z); outside of it the image stays as it is, so that a zero background remains one.
                None: denoise everywhere.

        Returns:
            (1, X, Y, Z), float32, with the image's affine and history.
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


class DenoiseAnisotropicd(MapTransform):
    """Dictionary version of :class:`DenoiseAnisotropic`.

    Args:
        keys: keys of the volumes.
        mask_key: key of the mask; None: denoise everywhere.
        iterations: see :class:`DenoiseAnisotropic`.
        conductance: see :class:`DenoiseAnisotropic`.
        allow_missing_keys: skip keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        mask_key: str | None = None,
        iterations: int = 5,
        conductance: float = 0.5,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.mask_key, self.denoiser = mask_key, DenoiseAnisotropic(iterations, conductance)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Denoise the volumes."""
        result = dict(data)
        mask = None if self.mask_key is None else data[self.mask_key]
        for key in self.key_iterator(result):
            result[key] = self.denoiser(result[key], mask)
        return result
