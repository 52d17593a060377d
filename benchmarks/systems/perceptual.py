"""DAGAN's perceptual loss: distance of two images in the features of VGG16, with weights that the user supplies."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor, nn

from monai_gan_recon.checks import home_expanded
from monai_gan_recon.losses import ReconstructionLoss
from monai_gan_recon.losses.images import check_pair

_CHANNELS = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, as torchvision normalises


class VGG16Loss(nn.Module):
    """Mean squared difference of the activations conv4_3 of VGG16 (Yang et al., IEEE TMI 37(6), 2018, eq. 9).

    Args:
        weights: file of VGG16's ImageNet weights in torchvision's format (``vgg16-397923af.pth`` of
            https://download.pytorch.org/models), a state dict with keys from ``features.0.weight`` on. Nothing is
            downloaded, nothing in the file is executed.

    Raises:
        ValueError: if no file is given, or it holds something else.
        FileNotFoundError: if there is no such file.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: str | os.PathLike[str] | None) -> None:
        super().__init__()
        wanted = "a state dict of VGG16 in torchvision's format, such as vgg16-397923af.pth"
        if weights is None:
            raise ValueError(f"the perceptual loss needs --loss_weights#vgg16_weights FILE: {wanted}")
        weights = home_expanded(weights)
        if not weights.is_file():
            raise FileNotFoundError(f"no VGG16 weights at {weights}: give {wanted}")
        self.features = _trunk()
        try:
            state = torch.load(weights, map_location="cpu", weights_only=True)
            self.load_state_dict({name: state[name] for name in self.state_dict()})
        except Exception as error:
            raise ValueError(f"{weights} does not fit the perceptual loss: give {wanted}") from error
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare reconstructions (B, 1, H, W) with references of the same shape, in [0, 1]; a scalar >= 0."""
        pred, target = check_pair(pred, target, "perceptual loss")
        with torch.no_grad():
            wanted = self._activations(target)
        return (self._activations(pred) - wanted).square().mean()

    def _activations(self, image: Tensor) -> Tensor:
        features: Tensor = self.features((image - self.mean) / self.std)  # gray becomes RGB by broadcasting
        return features


class DAGANLoss(ReconstructionLoss):
    """The reconstruction loss with one term more: the distance in VGG16's features.

    Args:
        perceptual: weight of that term; DAGAN's is 0.0025.
        vgg16_weights: file of VGG16's weights, needed if ``perceptual`` is above 0, see :class:`VGG16Loss`.
        weights: of the other terms, see :class:`~monai_gan_recon.losses.ReconstructionLoss`.

    Raises:
        ValueError: for a negative weight, or no fitting weights of VGG16.
        FileNotFoundError: if the file of VGG16's weights does not exist.
    """

    def __init__(
        self, perceptual: float = 0.0, vgg16_weights: str | os.PathLike[str] | None = None, **weights: Any
    ) -> None:
        super().__init__(**weights)
        if not perceptual >= 0:
            raise ValueError(f"DAGAN's loss: the perceptual weight must be at least 0, got {perceptual}")
        if perceptual > 0:
            self.weights["perceptual"], self.losses["perceptual"] = perceptual, VGG16Loss(vgg16_weights)


def _trunk() -> nn.Sequential:
    """Convolutions of VGG16 up to conv4_3, numbered as in torchvision."""
    layers: list[nn.Module] = []
    inputs = 3
    for entry in _CHANNELS:
        if isinstance(entry, str):
            layers.append(nn.MaxPool2d(2))
            continue
        layers += [nn.Conv2d(inputs, entry, kernel_size=3, padding=1), nn.ReLU()]
        inputs = entry
    return nn.Sequential(*layers)
