"""Networks of the segmentation: the mixture's own answer, its 2.5-D correction, and their precision."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import torch
from monai.inferers import Inferer, SimpleInferer, SlidingWindowInferer
from torch import nn
from torch.nn import functional

from monai_gan_recon.checks import check_counts, check_fractions
from monai_gan_recon.engines.runtime import check_device, resolve_amp
from monai_gan_recon.networks import load_weights
from monai_gan_recon.segmentation.tissue_features import FEATURES

METHODS = ("network", "mixture")
"""What can segment: the trained network, or the unsupervised mixture."""

NETWORK_CONTRAST = "t1"
"""What the network was trained on."""

STRIDE = 16
"""Patches are multiples of it: the network halves the resolution four times."""

MOST_SIDE, MOST_OVERLAP = 512, 0.95
"""Longest side of a patch in voxels, and most that neighbouring windows share."""


class MixtureScores(nn.Module):
    """Take the mixture's own probabilities for the answer: a segmentation without weights, in a network's place."""

    __constants__ = ("features",)

    def __init__(self) -> None:
        super().__init__()
        self.features = FEATURES

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Scores of the classes (B, 4, ...), in [0, 1], of sum 1: background (1 outside of the brain), CSF, GM, WM.

        ``features`` (B, 4, ...) are those of :class:`TissueFeatures`.

        Raises:
            ValueError: for another number of channels.
        """
        if features.ndim < 3 or features.shape[1] != self.features:
            raise ValueError(f"the mixture's scores need features (B, {self.features}, ...), not {features.shape}")
        tissues = features[:, 1:]
        return torch.cat((1 - tissues.sum(dim=1, keepdim=True), tissues), dim=1)


class MixtureCorrection(nn.Module):
    r"""Correct a tissue mixture by a 2-D network, applied to all slices of a volume along one axis.

    With the mixture's probabilities p and the network f,

    .. math:: \text{logits} = f(x) + \log \max(p(x), \varepsilon)

    so that a network of zeros gives the mixture's answer, and f learns in which places that is wrong.

    Args:
        network: (B, 4 (2 n + 1), H, W), the features of :class:`~monai_gan_recon.segmentation.TissueFeatures` of a
            slice and n neighbours on each side, to background, CSF, GM and WM (B, 4, H, W).
        neighbours: n, at least 0.
        axis: spatial axis along which the slices are stacked: 0, 1 or 2; 1 are coronal slices of a volume in RAS.
        least_probability: epsilon, in (0, 1): the mixture is never surer than this.
    """

    def __init__(self, network: nn.Module, neighbours: int = 1, axis: int = 1, least_probability: float = 0.01) -> None:
        super().__init__()
        check_counts(0, MOST_SIDE, neighbours=neighbours)
        check_counts(0, 2, axis=axis)
        if not 0 < least_probability < 1:
            raise ValueError(f"least_probability must be between 0 and 1, got {least_probability}")
        self.network, self.neighbours, self.axis = network, neighbours, axis
        self.mixture, self.least_probability = MixtureScores(), least_probability

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (B, 4, X, Y, Z) to logits (B, 4, X, Y, Z)."""
        stack, n = x.movedim(self.axis + 2, 1), self.neighbours  # (B, N, C, H, W)
        padded = functional.pad(stack, (0, 0, 0, 0, 0, 0, n, n))
        slices = padded.unfold(1, 2 * n + 1, 1).movedim(-1, 2).flatten(2, 3).flatten(0, 1)  # (B N, (2 n + 1) C, H, W)
        logits: torch.Tensor = self.network(slices.contiguous(memory_format=torch.channels_last))
        logits = logits.unflatten(0, stack.shape[:2]).movedim(1, self.axis + 2)
        mixture: torch.Tensor = self.mixture(x)
        return logits + mixture.clamp_min(self.least_probability).log()


class AutocastInferer(Inferer):
    """An inferer of MONAI in bfloat16 autocast where asked for; the result is float32.

    Args:
        inferer: feeds the image to the network; None: MONAI's ``SimpleInferer``.
        amp: true, false or "auto": on a GPU where it pays, and never on a CPU. There the gradients of a 3-D convolution
            of 8 channels and 2 x 2 x 2 voxels are NaN in bfloat16 (torch 2.13, channels-last, AVX-512 BF16).
        device: device that the network is on.
    """

    def __init__(
        self, inferer: Inferer | None = None, amp: bool | str = "auto", device: torch.device | str = "cpu"
    ) -> None:
        super().__init__()
        self.inferer = inferer or SimpleInferer()
        self.device_type = check_device(device).type
        self.bf16 = resolve_amp(False if amp == "auto" and self.device_type == "cpu" else amp, device)

    def __call__(self, inputs: torch.Tensor, network: nn.Module, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Image (B, C, X, Y, Z) to the network's output, float32."""
        with torch.autocast(self.device_type, torch.bfloat16, enabled=self.bf16):
            output: torch.Tensor = self.inferer(inputs, network, *args, **kwargs)
        return output.float()


class WindowInferer(AutocastInferer):
    """Feeds a volume to a network in overlapping windows, whose results are averaged with Gaussian weights.

    Further arguments are those of :class:`AutocastInferer`.

    Args:
        roi_size: size of a window in voxels, multiples of 16; smaller volumes are padded.
        overlap: of neighbouring windows, a fraction from 0 to 0.95.
        batch_size: windows at a time.
    """

    def __init__(
        self,
        roi_size: Sequence[int],
        overlap: float = 0.25,
        batch_size: int = 1,
        amp: bool | str = "auto",
        device: torch.device | str = "cpu",
    ) -> None:
        check_counts(batch_size=batch_size)
        check_fractions(overlap=overlap)
        if overlap > MOST_OVERLAP:
            raise ValueError(f"overlap must be at most {MOST_OVERLAP}, got {overlap}: windows have to move on")
        windows = SlidingWindowInferer(check_patch_size(roi_size, "roi_size"), batch_size, overlap, mode="gaussian")
        super().__init__(windows, amp, device)


def check_patch_size(size: Any, name: str = "patch_size") -> tuple[int, int, int]:
    """The size of a patch that the networks take; a ValueError if it is not three multiples of 16."""
    numbers = tuple(size) if isinstance(size, (list, tuple)) else ()
    for number in numbers:
        check_counts(STRIDE, MOST_SIDE, **{f"each side of {name}": number})
    if len(numbers) != 3 or any(number % STRIDE for number in numbers):
        raise ValueError(f"{name} must be three multiples of {STRIDE} in voxels, such as [96,96,96], not {size!r}")
    return numbers


def tissue_network(
    network: nn.Module,
    weights: str | os.PathLike[str] | None = None,
    device: torch.device | str = "cpu",
    method: str = "network",
    contrast: str = NETWORK_CONTRAST,
) -> nn.Module:
    """The network with its weights on a device, or the mixture in its place.

    The weights are channels-last, in which convolutions with few channels are fastest.

    Args:
        network: the network.
        weights: file of a state dict; None: as the network is.
        device: device to compute on.
        method: "network", or "mixture" (no weights).
        contrast: of the images; the network knows "t1" only.

    Raises:
        ValueError: if the network does not know the contrast, has a layer without channels, or others' weights.
        FileNotFoundError: if there are no weights.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}: choose {' or '.join(METHODS)}")
    if method == "mixture":
        return MixtureScores().to(check_device(device))
    if contrast != NETWORK_CONTRAST:
        raise ValueError(
            f"contrast {contrast!r}: the network knows {NETWORK_CONTRAST} only; --method mixture needs no network"
        )
    if not all(p.numel() for p in network.parameters()):
        raise ValueError("the network has layers without channels; its features and channels are 1 or more")
    volumetric = any(p.ndim == 5 for p in network.parameters())
    layout = torch.channels_last_3d if volumetric else torch.channels_last
    return load_weights(network, weights).to(check_device(device), memory_format=layout)  # type: ignore[call-overload]
