"""Scans with known truth: an object of ellipses with a smooth phase, coils, noise."""

import torch

from monai_gan_recon.measurement import fft2c
from monai_gan_recon.simulation.coils import biot_savart_maps

SIZE = (128, 120)


def white(*shape, seed=0, std=1.0):
    generator = torch.Generator().manual_seed(seed)
    return std * torch.complex(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator))


def object_(size=SIZE):
    """Ellipses with sharp edges and a smooth phase."""
    y, x = (torch.linspace(-1, 1, n) for n in size)
    y = y[:, None]
    image = ((y / 0.8) ** 2 + (x / 0.7) ** 2 < 1).float() * 0.5
    image = image + 0.4 * (((y - 0.2) / 0.3) ** 2 + ((x + 0.2) / 0.2) ** 2 < 1)
    image = image - 0.3 * (((y + 0.3) / 0.2) ** 2 + ((x - 0.1) / 0.3) ** 2 < 1)
    return torch.polar(image, 0.7 * x - 0.5 * y * x + 0.4 * y**2)


def signal(coils, size=SIZE):
    maps = biot_savart_maps(size, coils) if coils > 1 else torch.ones(1, *size)
    return fft2c(maps / torch.linalg.vector_norm(maps, dim=0) * object_(size))
