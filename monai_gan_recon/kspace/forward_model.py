"""The forward model of Cartesian single-coil MRI: Fourier transform, then sampling."""

from __future__ import annotations

import torch

from monai_gan_recon.kspace.fourier import fft2c, ifft2c


class ForwardModel:
    """Undersampled Cartesian acquisition, ``A = M F``.

    ``M`` keeps the measured samples and zeroes the others, ``F`` is the centred orthonormal Fourier transform. The
    adjoint ``A^H = F^H M`` of measured k-space is the zero-filled reconstruction.

    Args:
        mask: sampling mask, shape (H, W) or anything that broadcasts against (..., H, W); non-zero = measured.
    """

    def __init__(self, mask: torch.Tensor) -> None:
        self.mask = mask != 0

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Image (..., H, W) to undersampled k-space (..., H, W)."""
        return fft2c(image) * self._mask_for(image)

    def adjoint(self, kspace: torch.Tensor) -> torch.Tensor:
        """k-space (..., H, W) to the zero-filled complex image (..., H, W)."""
        return ifft2c(kspace * self._mask_for(kspace))

    def _mask_for(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[-2:] != self.mask.shape[-2:]:
            raise ValueError(
                f"the sampling mask is {tuple(self.mask.shape[-2:])} but the slices are {tuple(x.shape[-2:])}: "
                "use a mask of the slices' size"
            )
        return self.mask.to(x.device)
