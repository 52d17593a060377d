"""What an adversarial loss offers to the trainer, and the cross-entropy form of it."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor
from torch.nn.functional import softplus

from monai_gan_recon.losses._inputs import at_least_float32


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
