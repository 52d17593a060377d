"""The ResNet generators: the paper's, from magnitude to magnitude, and the unrolled one, on the measurement."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from monai_gan_recon.checks import check_counts, check_fractions, check_numbers
from monai_gan_recon.measurement.kdata import BASE_CHANNELS, unpack
from monai_gan_recon.measurement.operators import gram_real, normal_operator
from monai_gan_recon.measurement.solvers import data_consistency, posterior_mean
from monai_gan_recon.networks.encoder_decoder import RESNET50_LAYERS, ResNetEncoderDecoder

DEFAULT_ITERATIONS = 5
"""Conjugate gradient steps of each posterior mean."""

MOST_CASCADES = 64
"""Most cascades of a generator."""


class ResNetGenerator(nn.Module):
    """GAN-ResNet50's generator: a ResNet without classifier, upsampling with skips, residual output.

    It divides its input by an intensity of its own, :func:`signal_intensity`, and multiplies the output by it.

    Args:
        layers: bottlenecks of each encoder stage; (3, 4, 6, 3) is ResNet-50.
        width: planes of the first stage; 64 is ResNet-50.
        decoder_blocks: bottlenecks of each decoder stage.
        stem: "imagenet" (ResNet-50's) or "pixel_unshuffle", see :class:`ResNetEncoderDecoder`.
        norm: MONAI norm layer such as "batch" or "instance", or None.
    """

    def __init__(
        self,
        layers: Sequence[int] = RESNET50_LAYERS,
        width: int = 64,
        decoder_blocks: int = 1,
        stem: str = "imagenet",
        norm: str | tuple | None = None,
    ) -> None:
        super().__init__()
        self.refine = ResNetEncoderDecoder(1, 1, layers, width, decoder_blocks, stem, norm)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Magnitude (B, 1, H, W), H and W at least 16, to magnitude in the same scale, float32."""
        scale = signal_intensity(x)
        normalised = x.float() / scale
        return (normalised + self.refine(normalised).float()) * scale


class MagnitudeNetwork(nn.Module):
    """Hold an image-to-image network to the contract: the magnitude of the zero-filled image in, a real image out.

    Args:
        network: maps magnitudes (B, 1, H, W) to magnitudes (B, 1, H, W).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Network input (B, 4 + 2 C, H, W) to real and (empty) imaginary part (B, 2, H, W)."""
        adjoint = unpack(x).adjoint
        image = self.network(torch.linalg.vector_norm(adjoint, dim=1, keepdim=True)).float()
        return torch.cat((image, torch.zeros_like(image)), dim=1)


class UnrolledGenerator(nn.Module):
    r"""Unrolled reconstruction: networks of ResNet bottlenecks and data consistency in turn, any number of coils.

    Each cascade (network, data consistency) has weights of its own (Schlemper et al. 2018, Hammernik et al. 2018). The
    network says what it knows of the object before it sees the data again: a correction ``r``, a support ``s`` in
    [0, 1] and an uncertainty ``d`` in (0, 1), each of the real and of the imaginary part. Data consistency is the
    truncated posterior mean (:func:`monai_gan_recon.measurement.posterior_mean`) under the prior mean ``s (x + r)`` and
    the prior standard deviation ``s d``; the variance of the data is the noise's plus a learned model error. Where the
    support is 0 (background; the imaginary part of a real object) nothing can be, so the measured samples must be
    explained by the rest: knowing where the object is not recovers most missing lines.

    After the last cascade, where there is no noise, the image is fitted to the samples inside the last support, from
    the estimate on: the few steps of a cascade stop short of what the samples determine. A pixel is as free as the
    root of the network's uncertainty, and the samples are trusted the less the more the estimate leaves of them
    unexplained: where the support leaves out a part of the object, such as noisy air, a fit to the end would put it
    into a few other pixels. Then the measured samples are put back as far as their noise allows: if there is none,
    exactly for one coil, and for several to a few thousandths of their norm. With noise the last word is the
    network's: one more of them adds :math:`\sigma f(x, mask, \sigma)`.

    Everything is relative to an intensity of the measurement's own, :func:`signal_intensity`, so that a factor on image
    and noise is a factor on the result.

    Args:
        layers: bottlenecks of each encoder stage; (3, 4, 6, 3) is ResNet-50.
        width: planes of the first stage; 64 is ResNet-50.
        decoder_blocks: bottlenecks of each decoder stage.
        stem: "imagenet" (ResNet-50's) or "pixel_unshuffle", see :class:`ResNetEncoderDecoder`.
        norm: MONAI norm layer such as "batch" or "instance", or None.
        cascades: how often network and data consistency follow one another.
        cg_iterations: conjugate gradient steps of the posterior means, one number for all or one for each cascade; with
            0 the prior mean is taken. The last cascade is worth most of them: where the support alone determines the
            image (little noise, many samples), more steps come closer to it.
        exact_iterations: conjugate gradient steps of the fit to samples without noise where a quarter of k-space is
            measured, or known by symmetry; in proportion more where more is, since there they pay more. An exported
            graph has this number always. The fit is left out while the network is trained, where it costs more than it
            teaches.
        noise_layers: bottlenecks of each stage of the last network, the one scaled by the noise; None: there is none.
        least_std: where there is an object at all, the prior's standard deviation has a lower bound, since networks are
            too sure of themselves where much was measured. With one coil it is the smaller of the first number times
            the measured fraction of k-space and the second times the noise (without noise there is none: the support
            must hold); with several coils, which determine much by themselves, it is the third times the measured
            fraction.
        denoising: share of the noise level that the network is told, from 0 to 1. With 1 it takes out all that it
            believes to be noise, with 0 the measured samples stay as they are.

    Raises:
        ValueError: for numbers that no network has.
    """

    def __init__(
        self,
        layers: Sequence[int] = RESNET50_LAYERS,
        width: int = 64,
        decoder_blocks: int = 1,
        stem: str = "imagenet",
        norm: str | tuple | None = None,
        cascades: int = 1,
        cg_iterations: int | Sequence[int] = DEFAULT_ITERATIONS,
        exact_iterations: int = 0,
        noise_layers: Sequence[int] | None = None,
        least_std: Sequence[float] = (0.0, 0.0, 0.0),
        denoising: float = 1.0,
    ) -> None:
        super().__init__()
        if len(least_std) != 3:
            raise ValueError(f"least_std: give three numbers, not {least_std}")
        for least in least_std:
            check_numbers(least_std=least)
        self.least_std = [float(least) for least in least_std]
        check_fractions(denoising=denoising)
        self.denoising = float(denoising)
        check_counts(cascades=cascades, most=MOST_CASCADES)
        steps = list(cg_iterations) if isinstance(cg_iterations, Sequence) else [cg_iterations] * cascades
        if len(steps) != cascades:
            raise ValueError(f"{len(steps)} cg_iterations for {cascades} cascades: give one number, or one for each")
        for count in steps:
            check_counts(0, cg_iterations=count)
        check_counts(0, exact_iterations=exact_iterations)
        self.cg_iterations, self.exact_iterations = steps, exact_iterations
        self.refine = nn.ModuleList(
            ResNetEncoderDecoder(BASE_CHANNELS, 6, layers, width, decoder_blocks, stem, norm) for _ in range(cascades)
        )
        self.log_variance = nn.Parameter(torch.full((cascades,), -4.0), requires_grad=max(steps) > 0)
        self.denoise: nn.Module | None = None
        if noise_layers is not None:
            self.denoise = ResNetEncoderDecoder(BASE_CHANNELS, 2, noise_layers, width, decoder_blocks, stem, norm)

    def extra_repr(self) -> str:
        """What the parts do not show, if it is not the default."""
        default = all(count == DEFAULT_ITERATIONS for count in self.cg_iterations)
        shown = [] if default else [f"cg_iterations={self.cg_iterations}"]
        shown += [f"exact_iterations={self.exact_iterations}"] if self.exact_iterations else []
        shown += [f"least_std={self.least_std}"] if any(self.least_std) else []
        return ", ".join(shown + ([] if self.denoising == 1 else [f"denoising={self.denoising}"]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Reconstruct complex images.

        Args:
            x: network input, see :func:`monai_gan_recon.measurement.pack`: (B, 4 + 2 C, H, W), H and W at least 16.

        Returns:
            Real and imaginary part in the input's scale, (B, 2, H, W), float32; the operator's phase is not in it.

        Raises:
            ValueError: if the slices are too small or the number of channels is another one.
        """
        data = unpack(x)
        normal = normal_operator(data.mask, data.maps)
        scale = signal_intensity(data.adjoint)
        adjoint, noise = data.adjoint / scale, data.noise_std / scale * self.denoising
        known = torch.cat((data.mask, noise.expand_as(data.mask)), dim=1)
        measured = data.mask.mean(dim=(1, 2, 3), keepdim=True)
        least_std = torch.minimum(self.least_std[0] * measured, self.least_std[1] * noise)
        maps = data.maps
        if maps is not None and maps.shape[1] > 1:
            least_std = self.least_std[2] * measured
        estimate = adjoint
        variance, prior_std = torch.ones_like(noise), torch.ones_like(adjoint)
        for i, refine in enumerate(self.refine):
            output = refine(torch.cat((estimate, known), dim=1)).float()
            correction, support, spread = output.chunk(3, dim=1)
            support = (1 + support).clamp(0, 1)  # exactly 0 within reach, 1 at the start
            estimate = support * (estimate + correction)
            variance = 10 ** self.log_variance[i].float()
            prior_std = support * torch.sigmoid(4 * spread - 1)
            somewhere = support.amax(dim=1, keepdim=True) > 0  # the object; the air around it stays empty
            prior_std = torch.maximum(prior_std, least_std * somewhere)
            if self.cg_iterations[i] > 0:
                estimate = posterior_mean(
                    estimate, prior_std, adjoint, normal, variance + noise.square(), self.cg_iterations[i]
                )
        exact = data.noise_std == 0
        if self.exact_iterations > 0 and not self.training and self._may_be(exact):
            left = adjoint - gram_real(estimate.movedim(-3, -1).contiguous(), normal).movedim(-1, -3)
            doubt = 100 * left.square().mean(dim=(1, 2, 3), keepdim=True) / measured + 1e-8
            std = prior_std.sqrt() * exact  # between free least squares in the support and what the network believes
            steps = self.exact_iterations
            if not (torch.jit.is_tracing() or torch.compiler.is_compiling()):
                steps = int(4 * steps * float((measured * exact).max()))
            estimate = posterior_mean(estimate, std, adjoint, normal, doubt, steps)
        estimate = data_consistency(estimate, adjoint, normal, noise.square(), variance)
        if self.denoise is not None and (self.training or self._may_be(noise > 0)):
            estimate = estimate + noise * self.denoise(torch.cat((estimate, known), dim=1)).float()
        return estimate * scale

    def _may_be(self, condition: torch.Tensor) -> bool:
        """Whether a step is needed: for some slice, or of an exported graph, which cannot choose."""
        return torch.jit.is_tracing() or torch.compiler.is_compiling() or bool(condition.any())


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
    magnitude = (squared + eps**2).sqrt()  # eps: the gradient of an empty pixel stays finite
    mean = squared.sum(dim=(1, 2, 3), keepdim=True) / magnitude.sum(dim=(1, 2, 3), keepdim=True)
    return mean.clamp_min(eps)
