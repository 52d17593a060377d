"""Keep the best model by validation PSNR, before and after the adversary joins."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from ignite.engine import Engine, Events
from monai.engines import Evaluator
from torch import nn

from monai_gan_recon.data.writing import save_state

logger = logging.getLogger(__name__)

MODEL_FILE = "model.pt"
SUPERVISED_FILE = "model_supervised.pt"


class BestModelSaver:
    """Save the validated network's bare state dict whenever the key metric is the best of its phase.

    The adversary trades PSNR for texture, so the two phases are not compared with each other: the best of the warm-up
    is ``model_supervised.pt``, the best with the adversary is ``model.pt``. A training without adversarial epochs
    writes ``model.pt`` alone. Where no validation fell into the last phase, the last model is kept as ``model.pt``.

    Args:
        validator: evaluator with a key metric.
        network: the network that it validates.
        folder: folder of the model files.
        warmup_epochs: epochs of the first phase.
    """

    def __init__(
        self, validator: Evaluator, network: nn.Module, folder: str | os.PathLike[str], warmup_epochs: int = 0
    ) -> None:
        self.validator, self.network, self.folder = validator, network, Path(folder)
        self.warmup_epochs = warmup_epochs
        self._validated_epoch = -1

    def attach(self, engine: Engine) -> None:
        """Register with the trainer, after the handler that runs the validation."""
        self.validator.add_event_handler(Events.COMPLETED, self._note_validation, engine)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._keep_best)
        engine.add_event_handler(Events.COMPLETED, self._keep_last)

    def _keep_last(self, _engine: Engine) -> None:
        path = self.folder / MODEL_FILE
        if not path.exists():
            logger.warning("no validation fell into the last phase: %s is the last model, not the best", path)
            save_state(self.network.state_dict(), path)

    def _note_validation(self, validator: Engine, trainer: Engine) -> None:
        self._validated_epoch = trainer.state.epoch

    def _keep_best(self, engine: Engine) -> None:
        epoch, state = engine.state.epoch, self.validator.state
        if epoch != self._validated_epoch:
            return
        metric = state.metrics[state.key_metric_name]
        two_phases = 0 < self.warmup_epochs < engine.state.max_epochs
        supervised = two_phases and epoch <= self.warmup_epochs
        best_epoch = engine.state.best_metric_epoch
        fresh_phase = best_epoch < 1 or (two_phases and not supervised and best_epoch <= self.warmup_epochs)
        if not fresh_phase and metric <= engine.state.best_metric:
            return
        engine.state.best_metric, engine.state.best_metric_epoch = float(metric), epoch
        path = self.folder / (SUPERVISED_FILE if supervised else MODEL_FILE)
        save_state(self.network.state_dict(), path)
        logger.info(
            "epoch %d: %s %.3f is the best so far, saved %s", epoch, state.key_metric_name, metric, path
        )
