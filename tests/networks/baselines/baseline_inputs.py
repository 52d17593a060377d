"""Network input of random real objects."""

import torch

from monai_gan_recon.measurement import pack, sampling_mask
from monai_gan_recon.simulation import acquire, informed


def scan_of(image, pattern="gaussian1d", rate=0.4, seed=0, mask=None, hermitian=False, **kwargs):
    """Measurement of magnitudes (B, H, W)."""
    mask = sampling_mask(pattern, tuple(image.shape[-2:]), rate, seed=seed) if mask is None else mask
    return informed(acquire(image, mask, **kwargs)[0], real=hermitian)[0]


def batch(size, samples=2, **kwargs):
    """Network input (B, 4, H, W)."""
    return pack(scan_of(torch.rand(samples, *size, generator=torch.Generator().manual_seed(0)), **kwargs))
