"""Wasserstein losses, and what holds their critic Lipschitz: weight clipping or gradient penalty."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from monai_gan_recon.losses._inputs import at_least_float32, check_pair


class WassersteinLoss:
    """Wasserstein-1 distance of generated and real images (Arjovsky 2017), on a critic's logits (B, 1).

    The adversarial terms of L_G and L_D in "GAN-ResNet50" (IJACSA 15(1), 2024). The critic must be Lipschitz:
    see ``clip_weights``, ``gradient_penalty`` and the spectral norm of the critic itself.
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

    Arjovsky 2017, algorithm 1: all parameters are clipped, those of norms too.

    Args:
        module: the critic.
        limit: bound; 0.01 in the source.

    Raises:
        ValueError: ``limit`` is not positive.
    """
    if not limit > 0:
        raise ValueError(f"weight clipping: limit must be positive, got {limit}")
    for parameter in module.parameters():
        parameter.clamp_(-limit, limit)


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    weight: float = 10.0,
    generator: torch.Generator | None = None,
    condition: Tensor | None = None,
) -> Tensor:
    """λ E[(‖∇D(x̂)‖₂ − 1)²], x̂ on the line from a real to a generated image (Gulrajani 2017, WGAN-GP).

    One point per sample, the norm over all of its pixels and channels. Computed in float32 outside any
    autocast, since second derivatives do not survive half precision. The graph stays: call ``backward`` on
    the sum with the critic's loss.

    Args:
        critic: maps images (B, C, H, W) to logits (B, 1).
        real: references (B, C, H, W); no gradient flows to them.
        fake: the generator's images, same shape; no gradient flows to them.
        weight: λ.
        generator: source of the random points, on any device; None takes the global one of the images'
            device.
        condition: further channels (B, K, H, W) that a conditional critic gets after the image; not
            penalised.

    Returns:
        Scalar ≥ 0.

    Raises:
        ValueError: shapes differ, or the critic has batch norm in training mode, which couples the samples.
    """
    real, fake = check_pair(real.detach(), fake.detach(), "gradient penalty")
    if isinstance(critic, nn.Module) and any(
        isinstance(m, _BatchNorm) and m.training for m in critic.modules()
    ):
        raise ValueError(
            "gradient penalty: the critic's batch norm couples samples; use norm None, group or instance"
        )
    device = real.device if generator is None else generator.device
    shape = (len(real),) + (1,) * (real.ndim - 1)
    position = torch.rand(shape, generator=generator, device=device, dtype=real.dtype).to(real.device)
    with torch.enable_grad(), torch.autocast(real.device.type, enabled=False):
        mixed = torch.lerp(fake, real, position).requires_grad_()
        images = mixed if condition is None else torch.cat((mixed, condition.detach().to(mixed)), dim=1)
        (gradient,) = torch.autograd.grad(critic(images).sum(), mixed, create_graph=True)
        norm = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
        return weight * (norm - 1).square().mean()
