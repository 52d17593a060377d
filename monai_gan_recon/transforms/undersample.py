"""Retrospective undersampling: a magnitude image becomes what a faster scan would have measured."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from monai_gan_recon.kspace import (
    check_pattern,
    check_rate,
    fft2c,
    hermitian_completion,
    ifft2c,
    noise_weight,
    sampling_mask,
    to_channels,
)
from monai_gan_recon.transforms.phase_noise import complex_noise, noise_sigma, smooth_phase
from monai_gan_recon.vocabulary import TRACKS


class Acquisition(NamedTuple):
    """What an undersampled scan gives. Shapes are (C, H, W), or (C, N, H, W) for a volume of N slices.

    Attributes:
        input: network input: zero-filled real part, imaginary part, sampling weight (3 channels), or the
            zero-filled magnitude (1 channel).
        zero_filled: zero-filled real and imaginary part (2 channels), without Hermitian completion.
        mask: sampling mask, 1 = measured (1 channel).
    """

    input: torch.Tensor
    zero_filled: torch.Tensor
    mask: torch.Tensor


class Undersample(Transform):
    """Undersample a slice, or all slices of a volume with one mask, in k-space.

    Args:
        pattern: sampling pattern, see :func:`monai_gan_recon.kspace.sampling_mask`.
        rate: fraction of k-space to sample, in (0, 1].
        axis: phase-encoding axis of the patterns of whole lines: -1 columns (W), -2 rows (H).
        track: "replica" (magnitude image, no noise) or "simulated" (smooth phase and complex noise before sampling).
        snr: simulated track: mean brain magnitude over the noise's standard deviation in each of the real and
            imaginary parts.
        hermitian: replica track: give the network the Hermitian completion of the measured samples (a real image's
            k-space is known at ``-k`` where it is at ``k``). The zero-filled image and the mask stay those measured.
        channels: 3 (real, imaginary, weight) or 1 (magnitude) channels of network input.
        centre_fraction: fully sampled centre; None: as in DAGAN's patterns.
        seed: base of the random state; the mask of a case depends on it, the case's name, pattern and rate, and so do
            its phase and noise, which are drawn after the mask.

    Raises:
        ValueError: for an unknown pattern or track, a rate outside (0, 1], or another number of channels.
    """

    def __init__(
        self,
        pattern: str = "gaussian1d",
        rate: float = 0.1,
        axis: int = -1,
        track: str = "replica",
        snr: float = 20.0,
        hermitian: bool = True,
        channels: int = 3,
        centre_fraction: float | None = None,
        seed: int = 0,
    ) -> None:
        check_pattern(pattern)
        check_rate(rate)
        if track not in TRACKS:
            raise ValueError(f"unknown track {track!r}: choose one of {', '.join(TRACKS)}")
        if channels not in (1, 3):
            raise ValueError(f"channels must be 1 (magnitude) or 3 (real, imaginary, weight), got {channels}")
        self.pattern, self.rate, self.axis, self.centre_fraction = pattern, rate, axis, centre_fraction
        self.track, self.snr, self.hermitian, self.channels, self.seed = track, snr, hermitian, channels, seed

    def __call__(self, image: torch.Tensor, case: str = "") -> Acquisition:
        """Undersample an image.

        Args:
            image: magnitude image (1, H, W) or volume of slices (1, N, H, W), Min-Max scaled.
            case: name of the case: the same name gives the same mask, phase and noise for one pattern and rate.

        Returns:
            The acquisition; its tensors carry the image's metadata (affine) if it has some.
        """
        rng = np.random.default_rng([self.seed, zlib.crc32(case.encode())])
        size = (image.shape[-2], image.shape[-1])
        mask = sampling_mask(self.pattern, size, self.rate, self.axis, rng, self.centre_fraction)
        sigma, phase = 0.0, None
        if self.track == "simulated":
            phase = smooth_phase(size, rng)
            sigma = noise_sigma(image, self.snr)
        return acquire(
            image, mask, phase, sigma, rng, self.hermitian and self.track == "replica", self.channels
        )


def acquire(
    image: torch.Tensor,
    mask: torch.Tensor,
    phase: torch.Tensor | None = None,
    sigma: float = 0.0,
    rng: np.random.Generator | None = None,
    hermitian: bool = False,
    channels: int = 3,
) -> Acquisition:
    """Measure a magnitude image through a sampling mask.

    Args:
        image: magnitude (1, H, W) or (1, N, H, W).
        mask: sampling mask (H, W).
        phase: phase of the object in radians (H, W), or None.
        sigma: standard deviation of the noise of each of the real and imaginary parts.
        rng: source of the noise; needed if ``sigma`` is above 0.
        hermitian: complete the network's input by Hermitian symmetry (real objects only).
        channels: 3 or 1 channels of network input.

    Returns:
        What :func:`measured` makes of the sampled k-space.
    """
    magnitude = torch.as_tensor(image, dtype=torch.float32)
    magnitude = magnitude.as_tensor() if isinstance(magnitude, MetaTensor) else magnitude
    signal = magnitude[0] if phase is None else torch.polar(magnitude[0], phase.expand_as(magnitude[0]))
    kspace = fft2c(signal)
    if sigma > 0:
        kspace = kspace + complex_noise(tuple(kspace.shape), sigma, rng or np.random.default_rng())
    return measured(kspace * mask, mask, sigma, hermitian, channels, like=image)


def measured(
    kspace: torch.Tensor,
    mask: torch.Tensor,
    sigma: float = 0.0,
    hermitian: bool = False,
    channels: int = 3,
    like: torch.Tensor | None = None,
) -> Acquisition:
    """Make the network's input of measured k-space.

    Args:
        kspace: complex k-space, zero where not measured, shape (H, W) or (N, H, W).
        mask: sampling mask (H, W).
        sigma: standard deviation of the noise of each of the real and imaginary parts; 0: hard data consistency.
        hermitian: complete the network's input by Hermitian symmetry (real objects only).
        channels: 3 or 1 channels of network input.
        like: a tensor whose metadata (affine) the results carry.

    Returns:
        Network input, zero-filled image and mask, for k-space (H, W) of shape (C, H, W), for (N, H, W) of shape
        (C, N, H, W).
    """
    zero_filled = ifft2c(kspace)
    known = mask != 0
    completed = zero_filled
    if hermitian:
        completed_kspace, known = hermitian_completion(kspace, mask)
        completed = ifft2c(completed_kspace)
    weight = known.float() * noise_weight(sigma)
    planes = (completed.real, completed.imag, weight.expand(kspace.shape))
    network_input = torch.stack(planes) if channels == 3 else zero_filled.abs()[None]
    result = Acquisition(
        network_input,
        torch.movedim(to_channels(zero_filled), -3, 0),
        (mask != 0).float().expand(kspace.shape)[None],
    )
    if isinstance(like, MetaTensor):
        result = Acquisition(*(MetaTensor(t, meta=like.meta) for t in result))
    return result
