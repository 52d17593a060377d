"""Moving average of the weights, and a learning-rate schedule that follows the configuration."""

from __future__ import annotations

from typing import Any

import torch
from monai.optimizers import WarmupCosineSchedule
from torch import nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from monai_gan_recon.checks import check_counts, check_positive


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
