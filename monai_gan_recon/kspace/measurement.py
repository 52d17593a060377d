"""Measuring once more: an estimate of the object through another scan's sampling mask."""

from __future__ import annotations

import torch

from monai_gan_recon.kspace.data_consistency import SIGNAL_ERROR
from monai_gan_recon.kspace.forward_model import ForwardModel
from monai_gan_recon.kspace.fourier import from_channels, to_channels


def measure_again(image: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Zero-filled images of what a scanner would have measured of the images: Fourier transform, noise, mask, inverse.

    The noise is what the weights stand for (:func:`~monai_gan_recon.kspace.noise_weight`): none where they are 1. It is
    drawn from torch's global generator.

    Args:
        image: real and imaginary part, shape (B, 2, H, W).
        weight: weight of each k-space sample, (B, 1, H, W): 0 not measured, 1 measured, between for noisy samples.

    Returns:
        Real and imaginary part of the zero-filled images, shape (B, 2, H, W), differentiable in ``image``.
    """
    model = ForwardModel(weight[:, 0])
    kspace = model(from_channels(image))
    best = weight.amax(dim=(1, 2, 3))
    if bool((best < 1).any()):
        sigma = SIGNAL_ERROR * ((1 - best) / best.clamp_min(1e-6)).sqrt()
        noise = torch.randn(*kspace.shape, 2, device=kspace.device)
        kspace = kspace + torch.view_as_complex(noise) * sigma[:, None, None]
    return to_channels(model.adjoint(kspace))
