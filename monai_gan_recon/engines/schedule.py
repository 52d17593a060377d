"""Learning-rate schedule that follows the configuration when a training is resumed with another length."""

from __future__ import annotations

from typing import Any

from monai.optimizers import WarmupCosineSchedule


class ResumableWarmupCosine(WarmupCosineSchedule):
    """MONAI's linear warm-up and cosine decay; of a checkpoint it takes the position, not the length.

    A training that is resumed with more epochs, or fewer, goes on along the cosine of its new length.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the position; ``warmup_steps``, ``t_total``, ``cycles`` and ``end_lr`` stay the configured ones."""
        configured = {name: getattr(self, name) for name in ("warmup_steps", "t_total", "cycles", "end_lr")}
        super().load_state_dict({**state_dict, **configured})
