"""Adversarial losses, and what holds a Wasserstein critic Lipschitz: weight clipping or gradient penalty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.modules.batchnorm import _BatchNorm

from monai_gan_recon.checks import check_positive
from monai_gan_recon.losses.images import at_least_float32, check_pair


class AdversarialLoss(Protocol):
    """Both sides of the game, on the logits (B, 1) of a critic; each returns a scalar to minimise."""

    def generator(self, fake: Tensor) -> Tensor:
        """Loss of the generator, from the logits of its images."""

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """Loss of the critic, from the logits of the references and of the generator's (detached) images."""


class BCEAdversarialLoss:
    """Binary cross-entropy, the paper's sigmoid form, non-saturating (Goodfellow 2014).

    It takes logits. MONAI's ``PatchAdversarialLoss(criterion="bce")`` applies a sigmoid first: its gradient
    vanishes for a confident critic, and CUDA's autocast refuses it.
    """

    def generator(self, fake: Tensor) -> Tensor:
        """−E[log σ(D(G(x)))] for logits ``fake`` (B, 1)."""
        return softplus(-at_least_float32(fake)).mean()

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """−E[log σ(D(y))] − E[log(1 − σ(D(G(x))))] for logits ``real`` and ``fake`` (B, 1)."""
        return softplus(-at_least_float32(real)).mean() + softplus(at_least_float32(fake)).mean()


class WassersteinLoss:
    """Wasserstein-1 distance of generated and real images (Arjovsky 2017), on a critic's logits (B, 1).

    The adversarial terms of L_G and L_D in "GAN-ResNet50" (IJACSA 15(1), 2024). The critic must be Lipschitz:
    see ``clip_weights`` and ``gradient_penalty``.
    """

    def generator(self, fake: Tensor) -> Tensor:
        """−E[D(G(x))]."""
        return -at_least_float32(fake).mean()

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """E[D(G(x))] − E[D(y)]; its negative estimates the distance."""
        return at_least_float32(fake).mean() - at_least_float32(real).mean()


@torch.no_grad()
def clip_weights(module: nn.Module, limit: float = 0.01) -> None:
    """Clamp every parameter to [−limit, limit] in place; call it after each step of the critic.

    Arjovsky 2017, algorithm 1: all parameters are clipped, those of norms too. The limit is above 0.
    """
    check_positive(limit=limit)
    for parameter in module.parameters():
        parameter.clamp_(-limit, limit)


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, weight: float = 10.0) -> Tensor:
    """λ E[(‖∇D(x̂)‖₂ − 1)²], x̂ on the line from a real to a generated image (Gulrajani 2017, WGAN-GP).

    One point per sample, drawn from torch's global generator, the norm over all of its pixels and channels. Computed
    in float32 outside any autocast, since second derivatives do not survive half precision. The graph stays: call
    ``backward`` on the sum with the critic's loss.

    Args:
        critic: maps images (B, C, H, W) to logits (B, 1).
        real: references (B, C, H, W); no gradient flows to them.
        fake: the generator's images, same shape; no gradient flows to them.
        weight: λ.

    Returns:
        Scalar ≥ 0.

    Raises:
        ValueError: shapes differ, or the critic has batch norm in training mode, which couples the samples.
    """
    real, fake = check_pair(real.detach(), fake.detach(), "gradient penalty")
    if isinstance(critic, nn.Module) and any(isinstance(m, _BatchNorm) and m.training for m in critic.modules()):
        raise ValueError("gradient penalty: the critic's batch norm couples samples; use norm None, group or instance")
    position = torch.rand((len(real),) + (1,) * (real.ndim - 1), device=real.device, dtype=real.dtype)
    with torch.enable_grad(), torch.autocast(real.device.type, enabled=False):
        mixed = torch.lerp(fake, real, position).requires_grad_()
        (gradient,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        norm = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
        return weight * (norm - 1).square().mean()
