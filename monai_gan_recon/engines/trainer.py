"""The GAN trainer for reconstruction, on MONAI's AdversarialTrainer; moving average, learning-rate schedule."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from monai.engines import AdversarialTrainer
from monai.optimizers import WarmupCosineSchedule
from monai.utils import AdversarialIterationEvents, AdversarialKeys
from monai.utils.enums import CommonKeys as Keys
from torch import nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from monai_gan_recon.checks import check_counts, check_fractions, check_numbers, check_positive
from monai_gan_recon.engines.batch import MagnitudeView
from monai_gan_recon.engines.runtime import autocast, resolve_amp, unwrap
from monai_gan_recon.losses import AdversarialLoss, MeasuredLoss, ReconstructionLoss, clip_weights, gradient_penalty

logger = logging.getLogger(__name__)

ADVERSARIAL_SHARE = "adversarial_share"


class ReconstructionGANTrainer(AdversarialTrainer):
    r"""Train a generator to reconstruct, at first alone, then against a critic.

    In each iteration the critic takes ``n_critic`` steps on the batch, then the generator one. The generator's
    gradient is formed at its output: the gradient of the reconstruction loss R plus that of the adversarial loss A,
    weighted by the fixed ``adversarial_weight`` or, with ``adversarial_share`` s, so that its norm is the fraction s
    of the sum of both norms (as VQGAN balances its critic, there by the last layer: Esser et al. 2021, eq. 7):

    .. math:: \nabla R + \frac{s}{1 - s} \frac{\lVert\nabla R\rVert}{\lVert\nabla A\rVert} \nabla A

    All events of ``AdversarialIterationEvents`` are fired, so that MONAI's handlers work unchanged. Arguments that are
    not listed are MONAI's.

    Args:
        max_epochs: epochs in all, those of the warm-up included.
        train_data_loader: gives dictionaries with ``input`` (B, 4 + 2 C, H, W) and ``target`` (B, 2, H, W).
        d_network: critic, (B, 1, H, W) to logits (B, 1).
        recon_loss_function: loss of a reconstruction and its reference.
        adversarial_loss: Wasserstein or BCE form.
        warmup_epochs: epochs without the adversary.
        adversarial_share: share of the adversarial gradient; None: use ``adversarial_weight``.
        adversarial_weight: fixed weight of the adversarial loss.
        n_critic: steps of the critic for one of the generator.
        clip_limit: clip the critic's weights to this absolute value after each step (Arjovsky et al. 2017); 0: no.
        penalty_weight: weight of the gradient penalty (Gulrajani et al. 2017); 0: none.
        max_grad_norm: clip the norm of the generator's gradient; 0: no. A step of the generator or the critic with a
            gradient that is not finite is skipped.
        ema_network: moving average of the generator, updated after each of its steps.
        amp: bfloat16 autocast: true, false or "auto" (where it pays).
        prepare_batch: see :class:`~monai_gan_recon.engines.PrepareReconstructionBatch`.
        critic_view: what the critic sees of references and reconstructions; None: their magnitudes.

    Raises:
        ValueError: if the gradient penalty is on and the critic's norm couples the samples of a batch.
    """

    def __init__(
        self,
        device: torch.device | str,
        max_epochs: int,
        train_data_loader: Iterable[Any],
        g_network: nn.Module,
        g_optimizer: torch.optim.Optimizer,
        d_network: nn.Module,
        d_optimizer: torch.optim.Optimizer,
        recon_loss_function: ReconstructionLoss | MeasuredLoss,
        adversarial_loss: AdversarialLoss,
        warmup_epochs: int = 0,
        adversarial_share: float | None = None,
        adversarial_weight: float = 1.0,
        n_critic: int = 1,
        clip_limit: float = 0.0,
        penalty_weight: float = 0.0,
        max_grad_norm: float = 0.0,
        ema_network: AveragedModel | None = None,
        amp: bool | str = "auto",
        prepare_batch: Callable[..., Any] | None = None,
        critic_view: MagnitudeView | None = None,
        train_handlers: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        check_counts(max_epochs=max_epochs, n_critic=n_critic)
        check_numbers(
            adversarial_weight=adversarial_weight,
            clip_limit=clip_limit,
            penalty_weight=penalty_weight,
            max_grad_norm=max_grad_norm,
        )
        if adversarial_share is not None:
            check_fractions(adversarial_share=adversarial_share)
            if adversarial_share == 1:
                raise ValueError("adversarial_share must be below 1: something has to come from the image losses")
        if penalty_weight > 0 and getattr(unwrap(d_network), "couples_samples", False):
            raise ValueError("the gradient penalty needs a critic without batch norm: it is a penalty of each sample")
        self.warmup_epochs, self.n_critic = warmup_epochs, n_critic
        self.adversarial_share, self.adversarial_weight = adversarial_share, adversarial_weight
        self.clip_limit, self.penalty_weight, self.max_grad_norm = clip_limit, penalty_weight, max_grad_norm
        self.adversarial_loss = adversarial_loss
        self.critic_view = critic_view or MagnitudeView()
        self.bf16 = resolve_amp(amp, device)
        super().__init__(
            device=device,
            max_epochs=max_epochs,
            train_data_loader=train_data_loader,
            g_network=g_network,
            g_optimizer=g_optimizer,
            g_loss_function=adversarial_loss.generator,
            recon_loss_function=recon_loss_function,
            d_network=d_network,
            d_optimizer=d_optimizer,
            d_loss_function=adversarial_loss.critic,
            train_handlers=train_handlers,
            decollate=False,
            event_names=[AdversarialIterationEvents, *kwargs.pop("event_names", ())],
            amp=False,  # MONAI's is CUDA's float16; here it is bfloat16, which needs no gradient scaling
            **({"prepare_batch": prepare_batch} if prepare_batch else {}),
            **kwargs,
        )
        self.ema_network = ema_network

    @property
    def adversary_active(self) -> bool:
        """Whether the warm-up is over."""
        return bool(self.state.epoch > self.warmup_epochs)

    def _iteration(self, engine: AdversarialTrainer, batchdata: dict[str, torch.Tensor]) -> dict[str, Any]:
        inputs, target = self.prepare_batch(batchdata, self.state.device, self.non_blocking, **self.to_kwargs)
        output: dict[str, Any] = {Keys.IMAGE: inputs, Keys.LABEL: target, AdversarialKeys.REALS: target}
        self.state.output = output
        self.state.g_network.train()
        self.state.d_network.train()
        self.state.g_optimizer.zero_grad(set_to_none=True)
        with autocast(inputs, self.bf16):
            fake = self.g_inferer(inputs, self.state.g_network)
        fake = fake.float()
        output[Keys.PRED] = output[AdversarialKeys.FAKES] = fake.detach()
        self.fire_event(AdversarialIterationEvents.GENERATOR_FORWARD_COMPLETED)
        if self.adversary_active:
            real, shown = self.critic_view.real(target), self.critic_view.fake(fake.detach(), target)
            for _ in range(self.n_critic):
                self._critic_step(real, shown)
        self._generator_step(fake, target, inputs)
        return output

    def _critic_step(self, real: torch.Tensor, fake: torch.Tensor) -> None:
        output, critic = self.state.output, self.state.d_network
        self.state.d_optimizer.zero_grad(set_to_none=True)
        with autocast(real, self.bf16):
            output[AdversarialKeys.REAL_LOGITS] = self.d_inferer(real, critic).float()
            self.fire_event(AdversarialIterationEvents.DISCRIMINATOR_REALS_FORWARD_COMPLETED)
            output[AdversarialKeys.FAKE_LOGITS] = self.d_inferer(fake, critic).float()
            self.fire_event(AdversarialIterationEvents.DISCRIMINATOR_FAKES_FORWARD_COMPLETED)
        loss = self.state.d_loss_function(output[AdversarialKeys.REAL_LOGITS], output[AdversarialKeys.FAKE_LOGITS])
        output[AdversarialKeys.DISCRIMINATOR_LOSS] = loss.detach()
        self.fire_event(AdversarialIterationEvents.DISCRIMINATOR_LOSS_COMPLETED)
        if self.penalty_weight > 0:
            penalty = gradient_penalty(unwrap(critic), real, fake, self.penalty_weight)
            output["gradient_penalty"] = penalty.detach()
            loss = loss + penalty
        loss.backward()
        self.fire_event(AdversarialIterationEvents.DISCRIMINATOR_BACKWARD_COMPLETED)
        if nn.utils.get_total_norm([p.grad for p in critic.parameters() if p.grad is not None]).isfinite():
            self.state.d_optimizer.step()
            if self.clip_limit > 0:
                clip_weights(critic, self.clip_limit)
        else:
            logger.warning("iteration %d: the critic's gradient is not finite, step skipped", self.state.iteration)
        self.fire_event(AdversarialIterationEvents.DISCRIMINATOR_MODEL_COMPLETED)

    def _generator_step(self, fake: torch.Tensor, target: torch.Tensor, inputs: torch.Tensor) -> None:
        output = self.state.output
        image = fake.detach().requires_grad_(True)
        loss, terms = self.state.recon_loss_function.with_terms(image, target, inputs)
        output.update(terms)
        output[AdversarialKeys.RECONSTRUCTION_LOSS] = output[Keys.LOSS] = loss.detach()
        self.fire_event(AdversarialIterationEvents.RECONSTRUCTION_LOSS_COMPLETED)
        (gradient,) = torch.autograd.grad(loss, image)
        if self.adversary_active:
            gradient = gradient + self._adversarial_gradient(image, target, gradient)
        fake.backward(gradient)
        self.fire_event(AdversarialIterationEvents.GENERATOR_BACKWARD_COMPLETED)
        limit = self.max_grad_norm if self.max_grad_norm > 0 else float("inf")
        norm = nn.utils.clip_grad_norm_(self.state.g_network.parameters(), limit)
        output["grad_norm"] = norm
        if norm.isfinite():  # a step on a broken gradient would lose all that was learned
            self.state.g_optimizer.step()
            if self.ema_network is not None:
                self.ema_network.update_parameters(self.state.g_network)
        else:
            logger.warning("iteration %d: the gradient is not finite, step skipped", self.state.iteration)
        self.fire_event(AdversarialIterationEvents.GENERATOR_MODEL_COMPLETED)

    def _adversarial_gradient(
        self, image: torch.Tensor, target: torch.Tensor, reconstruction_gradient: torch.Tensor
    ) -> torch.Tensor:
        """The weighted gradient of the adversarial loss with respect to the generator's output."""
        output, critic = self.state.output, unwrap(self.state.d_network)
        trained = [parameter for parameter in critic.parameters() if parameter.requires_grad]
        for parameter in trained:
            parameter.requires_grad_(False)
        with autocast(image, self.bf16):
            shown = self.critic_view.fake(image, target)
            output[AdversarialKeys.FAKE_LOGITS] = self.d_inferer(shown, critic).float()
        self.fire_event(AdversarialIterationEvents.GENERATOR_DISCRIMINATOR_FORWARD_COMPLETED)
        loss = self.state.g_loss_function(output[AdversarialKeys.FAKE_LOGITS])
        output[AdversarialKeys.GENERATOR_LOSS] = loss.detach()
        self.fire_event(AdversarialIterationEvents.GENERATOR_LOSS_COMPLETED)
        (gradient,) = torch.autograd.grad(loss, image)
        for parameter in trained:
            parameter.requires_grad_(True)
        norm, reference = gradient.norm(), reconstruction_gradient.norm()
        weight = self.adversarial_weight
        if self.adversarial_share is not None:
            ratio = self.adversarial_share / (1 - self.adversarial_share)
            weight = float(ratio * reference / norm.clamp_min(1e-12))
        output[Keys.LOSS] = output[Keys.LOSS] + weight * loss.detach()
        output["adversarial_weight"] = weight
        output[ADVERSARIAL_SHARE] = weight * norm / (weight * norm + reference).clamp_min(1e-12)
        return weight * gradient


def ema_of(network: nn.Module, decay: float = 0.999) -> AveragedModel:
    """A moving average that follows the network closely at first: decay ``min(decay, (1 + n) / (10 + n))``.

    ``ema_of(network).module`` is the averaged copy.

    Raises:
        ValueError: if the decay is outside [0, 1).
    """
    if not 0 <= decay < 1:
        raise ValueError(f"the decay of the moving average must be in [0, 1), got {decay}")

    def average(mean: torch.Tensor, value: torch.Tensor, updates: torch.Tensor | int) -> torch.Tensor:
        if not mean.is_floating_point():  # batch norm counts its batches
            return value
        n = float(updates)
        return torch.lerp(mean, value, 1 - min(decay, (1 + n) / (10 + n)))

    return AveragedModel(network, avg_fn=average, use_buffers=True)


class ResumableWarmupCosine(WarmupCosineSchedule):
    """MONAI's linear warm-up and cosine decay; of a checkpoint it takes the position alone.

    A training that is resumed with more epochs, or fewer, or another learning rate, goes on along its new cosine.
    Arguments are MONAI's.

    Raises:
        ValueError: if a number is out of range.
    """

    def __init__(self, optimizer: Optimizer, warmup_steps: int, t_total: int, **options: Any) -> None:
        check_counts(0, warmup_steps=warmup_steps)
        check_positive(learning_rate=optimizer.param_groups[0]["lr"])
        super().__init__(optimizer, warmup_steps=warmup_steps, t_total=t_total, **options)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the position; base rates, ``warmup_steps``, ``t_total``, ``cycles``, ``end_lr`` stay as configured."""
        names = ("base_lrs", "warmup_steps", "t_total", "cycles", "end_lr")
        configured = {name: getattr(self, name) for name in names}
        super().load_state_dict({**state_dict, **configured})
