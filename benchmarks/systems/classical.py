"""Classical methods without training, for any number of coils: CG-SENSE, least squares inside a support, sparsity."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from torch import nn

from monai_gan_recon.measurement import (
    Measurement,
    NormalOperator,
    data_consistency,
    from_channels,
    gram,
    normal_operator,
    posterior_mean,
    to_channels,
    unpack,
)
from monai_gan_recon.networks.generator import signal_intensity

_RELAXATION = 1.7
"""Of ADMM's steps, from 1 to 2 (Boyd et al. 2011, section 3.4.3)."""


class _Classical(nn.Module, ABC):
    """Of a network's input, in units of the image's intensity."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Network input (B, 4 + 2 C, H, W) to real and imaginary part (B, 2, H, W)."""
        data = unpack(x)
        scale = signal_intensity(data.adjoint)
        scaled = Measurement(data.adjoint / scale, data.mask, data.noise_std / scale, data.maps)
        return self.solve(scaled, normal_operator(data.mask, data.maps)) * scale

    @abstractmethod
    def solve(self, data: Measurement, normal: NormalOperator) -> torch.Tensor:
        """Real and imaginary part of the image, (B, 2, H, W)."""


class SupportCG(_Classical):
    r"""Least squares with an image that is zero outside a support, taken from the zero-filled image, by CG.

    :math:`\min_x \|A x - y\|_2^2 + \sigma^2 \|x\|_2^2`, ``x`` zero where the zero-filled image, blurred, is below a
    threshold. Empty background determines lines that were not measured; where the object fills the frame it gives the
    zero-filled image.

    Args:
        threshold: of the blurred magnitude, in units of the image's intensity.
        blur: side of the averaging window in pixels, odd.
        real: the image is real, as on the replica track, or where its phase is part of the operator.
        iterations: conjugate gradient steps.

    Raises:
        ValueError: for a threshold or iterations below 0, or an even window.
    """

    def __init__(self, threshold: float = 0.2, blur: int = 7, real: bool = True, iterations: int = 100) -> None:
        super().__init__()
        if not threshold >= 0 or iterations < 0 or blur % 2 == 0:
            raise ValueError(
                f"support CG: threshold {threshold} and iterations {iterations} must not be below 0, blur {blur} be odd"
            )
        self.threshold, self.blur, self.real, self.iterations = threshold, blur, real, iterations

    def solve(self, data: Measurement, normal: NormalOperator) -> torch.Tensor:
        """See the class."""
        magnitude = data.adjoint.square().sum(1, keepdim=True).sqrt()
        support = nn.functional.avg_pool2d(magnitude, self.blur, 1, self.blur // 2) > self.threshold
        std = support.float().repeat(1, 2, 1, 1)
        if self.real:
            std[:, 1] = 0
        nothing = torch.zeros_like(data.adjoint)
        return posterior_mean(nothing, std, data.adjoint, normal, data.noise_std**2, self.iterations)

    def extra_repr(self) -> str:
        """The numbers, which the hash of a result's configuration reads."""
        return f"threshold={self.threshold}, blur={self.blur}, real={self.real}, iterations={self.iterations}"


class TotalVariation(_Classical):
    r"""The image of small total variation that fits the measured samples, by ADMM.

    :math:`\min_x \frac12 \|A x - y\|_2^2 + \lambda \sum_i |\nabla x|_i` (isotropic, complex, periodic; Rudin, Osher &
    Fatemi 1992; Lustig et al. 2007). The data and the differences have a copy of the image each, so that every step is
    solved exactly (but for several coils: a few steps of conjugate gradients; Ramani & Fessler, IEEE TMI 30, 2011).
    Penalties are balanced between primal and dual residuals (Boyd et al. 2011, section 3.4.1).

    Args:
        weight: :math:`\lambda`, for images divided by their :func:`signal_intensity`.
        real: the image is real, as on the replica track, or where its phase is part of the operator.
        iterations: of ADMM. With noise, 50 to 200 leave less than 0.1 dB; without, small weights take 800.

    Raises:
        ValueError: for a number that is not positive.
    """

    def __init__(self, weight: float = 0.01, real: bool = False, iterations: int = 200) -> None:
        super().__init__()
        if not weight > 0 or iterations < 1:
            raise ValueError(f"total variation: numbers must be above 0, got {weight}, {iterations}")
        self.weight, self.real, self.iterations = weight, real, iterations

    def solve(self, data: Measurement, normal: NormalOperator) -> torch.Tensor:
        """See the class."""
        image = from_channels(data.adjoint)
        image = image.real if self.real else image
        height, width = image.shape[-2:]
        down, across = (2 - 2 * torch.cos(2 * math.pi * torch.arange(n) / n) for n in (height, width))
        laplacian = (down[:, None] + across).to(image.device)
        laplacian = laplacian[:, : width // 2 + 1] if self.real else laplacian
        split = _gradient(image)
        dual_split, dual = torch.zeros_like(split), torch.zeros_like(image)
        penalty_split, penalty = (torch.full((len(image), 1, 1), p, device=image.device) for p in (0.1, 0.1))
        for iteration in range(self.iterations):
            fitted = _fit(image - dual, data, normal, penalty)
            relaxed = image + _RELAXATION * (fitted - image)
            rhs = penalty_split * _gradient_adjoint(split - dual_split) + penalty * (relaxed + dual)
            filtered = (torch.fft.rfft2 if self.real else torch.fft.fft2)(rhs)
            filtered = filtered / (penalty_split * laplacian + penalty)
            before, image = (
                image,
                (torch.fft.irfft2 if self.real else torch.fft.ifft2)(filtered, s=rhs.shape[-2:]),
            )
            gradient = _gradient(image)
            moved, split_before = gradient + dual_split, split
            split = moved * (1 - self.weight / penalty_split / _length(moved).clamp_min(1e-12)).clamp_min(0)
            dual_split, dual = moved - split, dual + relaxed - image
            if iteration < self.iterations // 2 and iteration % 5 == 4:
                change = penalty_split * _norm(_gradient_adjoint(split - split_before))
                factor = _balance(_norm(_length(gradient - split)), change)
                penalty_split, dual_split = penalty_split * factor, dual_split / factor
                factor = _balance(_norm(fitted - image), penalty * _norm(image - before))
                penalty, dual = penalty * factor, dual / factor
        return to_channels(image.to(torch.complex64))

    def extra_repr(self) -> str:
        """The numbers, which the hash of a result's configuration reads."""
        return f"weight={self.weight}, real={self.real}, iterations={self.iterations}"


class L1Wavelet(_Classical):
    r"""The image of sparse wavelets that fits the measured samples, by FISTA (Beck & Teboulle 2009).

    :math:`\min_x \frac12 \|A x - y\|_2^2 + \lambda \|\Psi x\|_1` (Lustig, Donoho & Pauly 2007), Daubechies 4
    by SigPy.

    Args:
        weight: :math:`\lambda`, for images divided by their :func:`signal_intensity`.
        real: the image is real, as on the replica track, or where its phase is part of the operator.
        iterations: of FISTA.
        levels: most levels of the wavelets.

    Raises:
        ValueError: for a number that is not positive; at the call, without SigPy.
    """

    def __init__(self, weight: float = 0.01, real: bool = False, iterations: int = 50, levels: int = 4) -> None:
        super().__init__()
        if not weight > 0 or min(iterations, levels) < 1:
            raise ValueError(f"l1-wavelet: numbers must be above 0, got {weight}, {iterations}, {levels}")
        self.weight, self.real, self.iterations, self.levels = weight, real, iterations, levels

    def solve(self, data: Measurement, normal: NormalOperator) -> torch.Tensor:
        """See the class."""
        try:
            import pywt  # comes with SigPy
            from sigpy.linop import Wavelet
        except ImportError as error:
            raise ValueError("l1-wavelet needs SigPy: pip install 'monai-gan-recon[benchmarks]'") from error
        image = from_channels(data.adjoint)
        image = image.real if self.real else image
        size = tuple(image.shape[-2:])
        wavelet = Wavelet(size, wave_name="db4", level=min(self.levels, pywt.dwtn_max_level(size, "db4")))
        ahead = image
        for iteration in range(self.iterations):
            descended = ahead.to(torch.complex64)
            descended = descended + from_channels(data.adjoint) - gram(descended, normal)
            descended = descended.real if self.real else descended
            before, image = image, torch.stack([_shrink(one, self.weight, wavelet) for one in descended])
            ahead = image + iteration / (iteration + 3) * (image - before)
        return to_channels(image.to(torch.complex64))

    def extra_repr(self) -> str:
        """The numbers, which the hash of a result's configuration reads."""
        numbers = f"weight={self.weight}, real={self.real}, iterations={self.iterations}"
        return f"{numbers}, levels={self.levels}"


class CGSense(_Classical):
    r"""Least squares with a small weight on the image's energy, by CG (Pruessmann et al., Magn Reson Med 46, 2001).

    :math:`\min_x \|A x - y\|_2^2 + \lambda \|x\|_2^2`; of one coil, the zero-filled image but for a factor.

    Args:
        weight: :math:`\lambda`, at least 0.
        real: the image is real, as where its phase is part of the operator.
        iterations: conjugate gradient steps.

    Raises:
        ValueError: for a number below 0.
    """

    def __init__(self, weight: float = 0.01, real: bool = False, iterations: int = 50) -> None:
        super().__init__()
        if not weight >= 0 or iterations < 0:
            raise ValueError(f"CG-SENSE: numbers must not be below 0, got {weight}, {iterations}")
        self.weight, self.real, self.iterations = weight, real, iterations

    def solve(self, data: Measurement, normal: NormalOperator) -> torch.Tensor:
        """See the class."""
        std = torch.ones_like(data.adjoint)
        if self.real:
            std[:, 1] = 0
        weight = torch.full_like(data.noise_std, self.weight)
        return posterior_mean(torch.zeros_like(std), std, data.adjoint, normal, weight, self.iterations)

    def extra_repr(self) -> str:
        """The numbers, which the hash of a result's configuration reads."""
        return f"weight={self.weight}, real={self.real}, iterations={self.iterations}"


def _fit(image: torch.Tensor, data: Measurement, normal: NormalOperator, penalty: torch.Tensor) -> torch.Tensor:
    r""":math:`\arg\min_x \|A x - y\|^2 + p \|x - z\|^2` of images z (B, H, W); real if they are."""
    start = to_channels(image.to(torch.complex64))
    one = torch.ones_like(data.noise_std)
    prior = 1 / penalty.unsqueeze(1)
    fitted = from_channels(data_consistency(start, data.adjoint, normal, one, prior, iterations=2))
    return fitted.real if not image.is_complex() else fitted


def _shrink(image: torch.Tensor, threshold: float, wavelet: Any) -> torch.Tensor:
    """Soft threshold of an image's wavelets, the approximation with the details."""
    coefficients = wavelet(image.numpy())
    size = np.abs(coefficients)
    coefficients = coefficients * (np.maximum(size - threshold, 0) / np.maximum(size, 1e-12))
    return torch.from_numpy(wavelet.H(coefficients).astype(image.numpy().dtype))


def _gradient(x: torch.Tensor) -> torch.Tensor:
    """Periodic forward differences down and across of (B, H, W): (2, B, H, W)."""
    return torch.stack((torch.roll(x, -1, -2) - x, torch.roll(x, -1, -1) - x))


def _gradient_adjoint(g: torch.Tensor) -> torch.Tensor:
    return torch.roll(g[0], 1, -2) - g[0] + torch.roll(g[1], 1, -1) - g[1]


def _length(g: torch.Tensor) -> torch.Tensor:
    """Length of each pixel's pair of differences (2, B, H, W): (B, H, W)."""
    return torch.linalg.vector_norm(g, dim=0)


def _norm(x: torch.Tensor) -> torch.Tensor:
    """Of each image (B, H, W): (B, 1, 1)."""
    return torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True)


def _balance(primal: torch.Tensor, dual: torch.Tensor) -> torch.Tensor:
    """Factor of a penalty by which its two residuals come nearer to each other."""
    return torch.where(primal > 4 * dual, 2.0, torch.where(dual > 4 * primal, 0.5, 1.0))
