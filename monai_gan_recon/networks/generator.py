"""The ResNet generator, single or unrolled, of the network contract: one tensor in, one tensor out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from monai_gan_recon.kspace import data_consistency, from_channels, posterior_mean, to_channels
from monai_gan_recon.networks.encoder_decoder import RESNET50_LAYERS, ResNetEncoderDecoder
from monai_gan_recon.vocabulary import MIN_SLICE_SIZE

DEFAULT_ITERATIONS = 5
"""Conjugate gradient steps of each posterior mean."""


class ResNetGenerator(nn.Module):
    """GAN-ResNet50's generator: a ResNet without classifier, upsampling with skips, residual output.

    With one input channel it is the paper's image-to-image form: zero-filled magnitude in, magnitude out. With three
    (real part, imaginary part, sampling weight) data consistency follows the network; several ``cascades`` unroll the
    pair (network, data consistency), each with weights of its own (Schlemper et al. 2018, Hammernik et al. 2018).

    There the network says what it knows of the object before it sees the data again: a correction ``r``, a support
    ``s`` in [0, 1] and an uncertainty ``d`` in (0, 1), each of the real and of the imaginary part. Data consistency is
    the posterior mean (:func:`monai_gan_recon.kspace.posterior_mean`) under the prior mean ``s (x + r)`` and the prior
    standard deviation ``s d``. Where the support is 0 (background; the imaginary part of a real object) nothing can be,
    so the measured samples must be explained by the rest: knowing where the object is not recovers most missing lines.
    At last, samples of weight 1 are put back exactly.

    The network divides its input by an intensity of its own, :func:`signal_intensity`, and multiplies the output by
    it: it is equivariant to a positive factor and asks for no scaling from outside.

    Args:
        in_channels: 1 = zero-filled magnitude; 3 = zero-filled real and imaginary part, and the weight of each
            k-space sample: 0 not measured, 1 measured and trusted, values between for noisy samples.
        layers: bottlenecks of each encoder stage; (3, 4, 6, 3) is ResNet-50.
        width: planes of the first stage; 64 is ResNet-50.
        decoder_blocks: bottlenecks of each decoder stage.
        stem: "imagenet" (ResNet-50's) or "pixel_unshuffle", see :class:`ResNetEncoderDecoder`.
        norm: MONAI norm layer such as "batch" or "instance", or None.
        cascades: how often network and data consistency follow one another; more than 1 needs three channels.
        cg_iterations: conjugate gradient steps of each posterior mean; with 0 the prior mean is taken, and only samples
            of weight 1 are put back.

    Raises:
        ValueError: for another number of channels, or several cascades without data consistency.
    """

    def __init__(
        self,
        in_channels: int = 3,
        layers: Sequence[int] = RESNET50_LAYERS,
        width: int = 64,
        decoder_blocks: int = 1,
        stem: str = "imagenet",
        norm: str | tuple | None = None,
        cascades: int = 1,
        cg_iterations: int = DEFAULT_ITERATIONS,
    ) -> None:
        super().__init__()
        if in_channels not in (1, 3):
            raise ValueError(
                f"in_channels must be 1 (magnitude) or 3 (real, imaginary, weight), got {in_channels}"
            )
        if cascades < 1 or (in_channels == 1 and cascades > 1):
            raise ValueError(
                f"{cascades} cascades need in_channels=3: data consistency needs the phase and the mask"
            )
        self.in_channels = in_channels
        self.cg_iterations = cg_iterations
        inputs, outputs = (1, 1) if in_channels == 1 else (4, 6)
        self.refine = nn.ModuleList(
            ResNetEncoderDecoder(inputs, outputs, layers, width, decoder_blocks, stem, norm)
            for _ in range(cascades)
        )
        # log10 of the variance of samples of weight 1, and of one half
        learned = in_channels == 3 and cg_iterations > 0
        self.log_variance = nn.Parameter(torch.tensor([[-4.0, -2.4]] * cascades), requires_grad=learned)

    def extra_repr(self) -> str:
        """What the parts do not show, if it is not the default."""
        return "" if self.cg_iterations == DEFAULT_ITERATIONS else f"cg_iterations={self.cg_iterations}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Reconstruct magnitude images.

        Args:
            x: shape (B, in_channels, H, W), H and W at least 16.

        Returns:
            Magnitude in the input's scale, shape (B, 1, H, W), float32.

        Raises:
            ValueError: if the slices are too small or the number of channels is another one.
        """
        if self.in_channels == 3:
            return from_channels(self.complex_estimate(x)).abs()[:, None]
        self._check(x)
        scale = signal_intensity(x)
        normalised = x / scale
        return (normalised + self.refine[0](normalised).float()) * scale

    def complex_estimate(self, x: torch.Tensor) -> torch.Tensor:
        """Reconstruct complex images that agree with the measured samples.

        Args:
            x: shape (B, 3, H, W): zero-filled real and imaginary part, sampling weight.

        Returns:
            Real and imaginary part, shape (B, 2, H, W), float32.
        """
        self._check(x)
        if self.in_channels != 3:
            raise ValueError("a generator of magnitude images (in_channels=1) has no complex estimate")
        x = x.float()
        zero_filled, weight = x[:, :2], x[:, 2:]
        scale = signal_intensity(zero_filled)
        zero_filled = zero_filled / scale
        best = weight.amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-3)
        noise_level = ((1 - best) / best).sqrt().expand_as(weight)  # over the signal error of noise_weight
        estimate = zero_filled
        for refine, log_variance in zip(self.refine, self.log_variance, strict=True):
            output = refine(torch.cat((estimate, weight, noise_level), dim=1)).float()
            correction, support, spread = output.chunk(3, dim=1)
            support = (1 + support).clamp(0, 1)  # exactly 0 within reach, 1 at the start
            estimate = support * (estimate + correction)
            if self.cg_iterations:
                variance, noise = 10**log_variance
                estimate = posterior_mean(
                    estimate,
                    support * torch.sigmoid(4 * spread - 1),
                    zero_filled,
                    (variance * weight / (variance * weight + noise * (1 - weight)))[:, 0],
                    variance,
                    self.cg_iterations,
                )
        exact = (weight[:, 0] == 1).float()
        estimate = to_channels(data_consistency(from_channels(estimate), from_channels(zero_filled), exact))
        return estimate * scale

    def _check(self, x: torch.Tensor) -> None:
        if x.ndim != 4 or x.shape[1] != self.in_channels or min(x.shape[-2:]) < MIN_SLICE_SIZE:
            raise ValueError(
                f"the generator takes (B, {self.in_channels}, H, W) with H and W at least {MIN_SLICE_SIZE}, "
                f"got {tuple(x.shape)}"
            )


def signal_intensity(x: torch.Tensor, eps: float = 1e-8) -> torch.Tensor:
    """Contraharmonic mean of the magnitude, ``sum |x|^2 / sum |x|``: a mean that empty background does not lower.

    Args:
        x: shape (B, C, H, W).
        eps: lower bound, for empty images.

    Returns:
        Shape (B, 1, 1, 1).
    """
    x = x.float()
    squared = x.square().sum(dim=1, keepdim=True)
    dims = (1, 2, 3)
    magnitude = (squared + eps**2).sqrt()  # eps: the gradient of an empty pixel stays finite
    mean = squared.sum(dim=dims, keepdim=True) / magnitude.sum(dim=dims, keepdim=True)
    return mean.clamp_min(eps)
