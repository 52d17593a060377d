"""Network input of random objects, real, and complex with coils and noise."""

import torch

from monai_gan_recon.measurement import KData, SenseOperator, pack, sampling_mask
from monai_gan_recon.simulation import acquire, biot_savart_maps, informed


def scan_of(image, pattern="gaussian1d", rate=0.4, seed=0, mask=None, hermitian=False, **kwargs):
    """Measurement of magnitudes (B, H, W)."""
    mask = sampling_mask(pattern, tuple(image.shape[-2:]), rate, seed=seed) if mask is None else mask
    return informed(acquire(image, mask, **kwargs)[0], real=hermitian)[0]


def batch(size, samples=2, **kwargs):
    """Network input (B, 4, H, W)."""
    return pack(scan_of(torch.rand(samples, *size, generator=torch.Generator().manual_seed(0)), **kwargs))


def measured(image, mask, coils=0, noise_std=0.0):
    """Measurement of complex images (B, H, W); coils 0: one coil without maps."""
    maps = biot_savart_maps(image.shape[-2:], coils).expand(len(image), -1, -1, -1) if coils else None
    kspace = SenseOperator(mask, maps).forward(image)
    noise = torch.randn(*kspace.shape, 2, generator=torch.Generator().manual_seed(1))
    return KData(kspace + noise_std * torch.view_as_complex(noise) * mask, mask, maps, noise_std)


def network_input(size, coils=0, noise_std=0.0):
    """Of smooth random complex images, (2, 4 + 2 coils, H, W)."""
    low = torch.randn(2, 2, 7, 7, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(low, size=size, mode="bicubic")
    mask = sampling_mask("gaussian1d", size, 0.4, seed=0)[None, None]
    return pack(measured(torch.complex(smooth[:, 0], smooth[:, 1]), mask, coils, noise_std))
