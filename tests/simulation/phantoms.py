"""Smooth magnitude images with empty background."""

import torch


def phantom(slices=1, size=(48, 64), seed=0):
    """(slices, H, W) in [0, 1], an ellipse of random smooth brightness."""
    low = torch.rand(slices, 1, 5, 5, generator=torch.Generator().manual_seed(seed))
    image = torch.nn.functional.interpolate(low, size=size, mode="bicubic")[:, 0].clamp(0.1, 1)
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in size), indexing="ij")
    image = image * (y**2 + x**2 < 0.6)
    return image / image.max()
