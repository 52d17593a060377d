"""The smooth phase of an object, from the centre of its k-space."""

from __future__ import annotations

import torch

from monai_gan_recon.measurement.fourier import ifft2c


def low_resolution_phase(
    kspace: torch.Tensor, maps: torch.Tensor | None = None, width: float | None = None
) -> torch.Tensor:
    r"""Phase of the image of the central k-space, as in homodyne reconstruction (Noll, Nishimura & Macovski 1991).

    A Gaussian window of k-space is a Gaussian blur of the image: a real, positive object stays positive, so that its
    phase is zero as long as the centre is sampled. Coils are blurred first and then combined: each coil's image is
    smooth, while the combined one turns wherever the phase that its maps are relative to does.

    Args:
        kspace: measured samples, complex (\*batch, coils, H, W), 0 where not sampled.
        maps: coil sensitivities as ``kspace``; None: one coil of sensitivity 1.
        width: standard deviation of the window in units of the k-space's size; None: 0.02 for one coil, 0.03 for
            several, since each coil has a phase of its own to follow.

    Returns:
        ``exp(i phase)``, complex numbers of magnitude 1, shape (\*batch, H, W); 1 where there is no signal.
    """
    if width is None:
        width = 0.02 if kspace.shape[-3] == 1 else 0.03
    y, x = (
        torch.exp(-0.5 * ((torch.arange(n, device=kspace.device) - n // 2) / (width * n)) ** 2)
        for n in kspace.shape[-2:]
    )
    coil_images = ifft2c(kspace * (y[:, None] * x))
    smooth = (coil_images if maps is None else maps.conj() * coil_images).sum(-3)
    return torch.where(smooth.abs() > 1e-12, torch.sgn(smooth), torch.ones_like(smooth))
