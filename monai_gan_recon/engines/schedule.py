"""Learning-rate schedule that follows the configuration when a training is resumed with another one."""

from __future__ import annotations

from typing import Any

from monai.optimizers import WarmupCosineSchedule


class ResumableWarmupCosine(WarmupCosineSchedule):
    """MONAI's linear warm-up and cosine decay; of a checkpoint it takes the position alone.

    A training that is resumed with more epochs, or fewer, or another learning rate, goes on along its new cosine.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the position; base rates, ``warmup_steps``, ``t_total``, ``cycles``, ``end_lr`` stay as configured."""
        names = ("base_lrs", "warmup_steps", "t_total", "cycles", "end_lr")
        configured = {name: getattr(self, name) for name in names}
        super().load_state_dict({**state_dict, **configured})
