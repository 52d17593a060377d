"""Check of the images that metrics compare."""

from __future__ import annotations

import torch
from monai.data import MetaTensor
from torch import Tensor


def plain(image: Tensor) -> Tensor:
    """The tensor without metadata or gradient, float32."""
    tensor = image.as_tensor() if isinstance(image, MetaTensor) else image
    return tensor.detach().to(torch.float32)


def check_pair(image: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Both as plain float32 tensors.

    Raises:
        ValueError: if they are not (N, 1, H, W), or of different shapes.
    """
    if image.shape != reference.shape or image.ndim != 4 or image.shape[1] != 1:
        raise ValueError(
            "metrics compare slices (N, 1, H, W) of one shape, "
            f"got an image {tuple(image.shape)} and a reference {tuple(reference.shape)}"
        )
    return plain(image), plain(reference)


def check_brain(brain: Tensor, reference: Tensor) -> Tensor:
    """The mask as booleans on the reference's device.

    Raises:
        ValueError: if its shape is not the reference's.
    """
    if brain.shape != reference.shape:
        raise ValueError(
            f"the brain mask is {tuple(brain.shape)} but the slices are {tuple(reference.shape)}"
        )
    return brain.to(reference.device, torch.bool)
