"""Network input of random objects, and networks that do something from the start."""

import torch

from monai_gan_recon.measurement import KData, SenseOperator, hermitian_completion, pack, sampling_mask
from monai_gan_recon.simulation import biot_savart_maps


def object_of(size, samples=2, seed=0):
    """Random smooth complex images (B, H, W)."""
    low = torch.randn(samples, 2, 7, 7, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(low, size=size, mode="bicubic")
    return torch.complex(smooth[:, 0], smooth[:, 1])


def measured(image, coils=0, noise_std=0.0, mask=None, maps=None, hermitian=False, seed=0):
    """Measurement of complex images: one coil without maps (0), or an even ring of loops."""
    size = tuple(image.shape[-2:])
    mask = sampling_mask("gaussian1d", size, 0.4, seed=seed)[None, None] if mask is None else mask
    if maps is None and coils:
        maps = biot_savart_maps(size, coils)
        maps = (maps / torch.linalg.vector_norm(maps, dim=0)).expand(len(image), -1, -1, -1)
    kspace = SenseOperator(mask, maps).forward(image)
    noise = torch.randn(*kspace.shape, 2, generator=torch.Generator().manual_seed(seed + 1))
    data = KData(kspace + noise_std * torch.view_as_complex(noise) * mask, mask, maps, noise_std)
    return hermitian_completion(data) if hermitian else data


def network_input(size, samples=2, coils=0, seed=0, **kwargs):
    return pack(measured(object_of(size, samples, seed), coils, seed=seed, **kwargs))


def randomised(network, seed=0):
    """Give the layers that start at zero some weight, so that the network does something."""
    torch.manual_seed(seed)
    for parameter in network.parameters():
        if parameter.ndim == 4 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return network.eval()
