"""Classical methods without training, for any number of coils: least squares inside a support, total variation."""

from __future__ import annotations

import torch
from torch import nn

from monai_gan_recon.measurement import Measurement, normal_operator, unpack
from monai_gan_recon.measurement.operators import NormalOperator, gram_real
from monai_gan_recon.measurement.solvers import posterior_mean
from monai_gan_recon.networks.generator import signal_intensity


class _Classical(nn.Module):
    """Of a network's input, in units of the image's intensity."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Network input (B, 4 + 2 C, H, W) to real and imaginary part (B, 2, H, W)."""
        data = unpack(x)
        scale = signal_intensity(data.adjoint)
        scaled = Measurement(data.adjoint / scale, data.mask, data.noise_std / scale, data.maps)
        return self.solve(scaled, normal_operator(data.mask, data.maps)) * scale

    def solve(self, data: Measurement, normal: NormalOperator) -> torch.Tensor:
        """Real and imaginary part of the image, (B, 2, H, W)."""
        raise NotImplementedError


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

    def __init__(
        self, threshold: float = 0.2, blur: int = 7, real: bool = True, iterations: int = 100
    ) -> None:
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

    :math:`\min_x \frac12 \|A x - y\|_2^2 + \lambda \sum_i |\nabla x|_i` (isotropic, complex; Rudin, Osher &
    Fatemi 1992; Lustig et al. 2007), split as in Goldstein & Osher 2009. Each image's penalty is balanced between its
    primal and dual residuals (Boyd et al. 2011, section 3.4.1), so that it converges for any weight.

    Args:
        weight: :math:`\lambda`, for images divided by their :func:`signal_intensity`.
        real: the image is real, as on the replica track, or where its phase is part of the operator.
        iterations: of ADMM.
        inner: conjugate gradient steps in each.

    Raises:
        ValueError: for a number that is not positive.
    """

    def __init__(
        self, weight: float = 0.01, real: bool = False, iterations: int = 100, inner: int = 5
    ) -> None:
        super().__init__()
        if not weight > 0 or min(iterations, inner) < 1:
            raise ValueError(f"total variation: numbers must be above 0, got {weight}, {iterations}, {inner}")
        self.weight, self.real, self.iterations, self.inner = weight, real, iterations, inner

    def solve(self, data: Measurement, normal: NormalOperator) -> torch.Tensor:
        """See the class."""
        adjoint = data.adjoint.movedim(1, -1)
        keep = torch.tensor([1.0, 0.0 if self.real else 1.0], device=adjoint.device)
        x = adjoint * keep
        split = _gradient(x)
        dual = torch.zeros_like(split)
        penalty = torch.full((len(x), 1, 1, 1), 10 * self.weight, device=x.device)
        for iteration in range(self.iterations):
            rhs = (adjoint + penalty * _gradient_adjoint(split - dual)) * keep
            x = self._solve_quadratic(x, rhs, keep, penalty, normal)
            gradient = _gradient(x)
            previous, moved = split, gradient + dual
            norm = moved.square().sum((0, -1), keepdim=True).sqrt()
            split = moved * (1 - self.weight / penalty / norm.clamp_min(1e-12)).clamp_min(0)
            dual = moved - split
            if iteration < self.iterations // 2:
                primal = _norm((gradient - split).square().sum(0))
                change = penalty * _norm(_gradient_adjoint(split - previous).square())
                factor = torch.where(primal > 10 * change, 2.0, torch.where(change > 10 * primal, 0.5, 1.0))
                penalty, dual = penalty * factor, dual / factor
        return x.movedim(-1, 1)

    def _solve_quadratic(
        self,
        x: torch.Tensor,
        rhs: torch.Tensor,
        keep: torch.Tensor,
        penalty: torch.Tensor,
        normal: NormalOperator,
    ) -> torch.Tensor:
        """Conjugate gradients on ``(A^H A + penalty D^T D) x = rhs``, from the last image."""

        def apply(v: torch.Tensor) -> torch.Tensor:
            return gram_real(v, normal) * keep + penalty * _gradient_adjoint(_gradient(v))

        residual = rhs - apply(x)
        direction, power = residual, _norm(residual.square()) ** 2
        for _ in range(self.inner):
            image = apply(direction)
            step = power / (direction * image).sum((1, 2, 3), keepdim=True).clamp_min(1e-30)
            x = x + step * direction
            residual = residual - step * image
            last, power = power, _norm(residual.square()) ** 2
            direction = residual + power / last.clamp_min(1e-30) * direction
        return x

    def extra_repr(self) -> str:
        """The numbers, which the hash of a result's configuration reads."""
        return f"weight={self.weight}, real={self.real}, iterations={self.iterations}, inner={self.inner}"


def _gradient(x: torch.Tensor) -> torch.Tensor:
    """Forward differences down and across of (B, H, W, 2), 0 at the last row and column: (2, B, H, W, 2)."""
    down = torch.diff(x, dim=1, append=x[:, -1:])
    return torch.stack((down, torch.diff(x, dim=2, append=x[:, :, -1:])))


def _gradient_adjoint(g: torch.Tensor) -> torch.Tensor:
    down, across = g[0].clone(), g[1].clone()
    down[:, -1], across[:, :, -1] = 0, 0
    return torch.diff(-down, dim=1, prepend=0 * down[:, :1]) + torch.diff(
        -across, dim=2, prepend=0 * across[:, :, :1]
    )


def _norm(squares: torch.Tensor) -> torch.Tensor:
    return squares.sum((1, 2, 3), keepdim=True).sqrt()
