"""Progress of a training on the terminal: a bar an epoch, and a line of what the validation found."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ignite.engine import Engine, Events
from ignite.handlers.tqdm_logger import ProgressBar
from monai.engines import Evaluator
from tqdm import tqdm


class TrainingProgress:
    """A progress bar with the loss, and after each validation its PSNR beside the zero-filled one.

    The bar is shown on terminals only; the lines are always printed.

    Args:
        validator: evaluator of the reconstruction.
    """

    def __init__(self, validator: Evaluator) -> None:
        self.validator = validator

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        if sys.stderr.isatty():
            bar = ProgressBar(desc="training")
            bar.attach(engine, output_transform=lambda output: {"loss": float(output["loss"])})
        self.validator.add_event_handler(Events.COMPLETED, self._report, engine)

    def describe(self, metrics: Mapping[str, Any]) -> str:
        """What the validation found, in words."""
        return (
            f"validation PSNR {metrics['val_psnr']:.2f} dB (zero-filled {metrics['zero_filled_psnr']:.2f}), "
            f"SSIM {metrics['val_ssim']:.4f} (zero-filled {metrics['zero_filled_ssim']:.4f})"
        )

    def _report(self, validator: Engine, trainer: Engine) -> None:
        epoch = f"epoch {trainer.state.epoch}/{trainer.state.max_epochs}"
        tqdm.write(f"{epoch}: {self.describe(validator.state.metrics)}")
