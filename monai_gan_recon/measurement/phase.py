"""The smooth phase of an image, from the centre of its k-space."""

from __future__ import annotations

import torch

from monai_gan_recon.measurement.fourier import fft2c, ifft2c


def low_resolution_phase(zero_filled: torch.Tensor, width: float = 0.02) -> torch.Tensor:
    """Phase of the image of the central k-space, as in homodyne reconstruction (Noll, Nishimura & Macovski 1991).

    A Gaussian window of k-space is a Gaussian blur of the image: a real, positive object stays positive, so that its
    phase is zero as long as the centre is sampled.

    Args:
        zero_filled: complex image of the measured samples, shape (..., H, W).
        width: standard deviation of the window in units of the k-space's size.

    Returns:
        ``exp(i phase)``, complex numbers of magnitude 1, shape (..., H, W); 1 where there is no signal.
    """
    y, x = (
        torch.exp(-0.5 * ((torch.arange(n, device=zero_filled.device) - n // 2) / (width * n)) ** 2)
        for n in zero_filled.shape[-2:]
    )
    smooth = ifft2c(fft2c(zero_filled) * (y[:, None] * x))
    return torch.where(smooth.abs() > 1e-12, torch.sgn(smooth), torch.ones_like(smooth))
