"""Keep the model: the best by validation, or the last."""

from __future__ import annotations

import errno
import logging
import math
import os
import re
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.engines import Evaluator
from torch import nn

from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.checks import check_output_dir

logger = logging.getLogger(__name__)

MODEL_FILE = "model.pt"
SUPERVISED_FILE = "model_supervised.pt"
DIVERGED = "the training diverged (weights or metrics are NaN or infinite)"

WARM_UP, MAIN = "warm-up", "main"
"""The phases of a training: the epochs of the warm-up, and those after it."""


class BestModelSaver:
    """Save the validated network's bare state dict whenever the key metric is the best of its phase.

    The adversary trades PSNR for texture, so the two phases are not compared with each other: the best of the warm-up
    is ``model_supervised.pt``, the best with the adversary is ``model.pt``. A training without adversarial epochs
    writes ``model.pt`` alone. Where no validation fell into the last phase, the last model is kept as ``model.pt``.
    ``engine.state.best_phase`` names the phase of the best, beside ``best_metric`` and ``best_metric_epoch``;
    checkpoints keep it, since a training may be resumed with a warm-up of another length.

    A validation with a metric or weights that are not finite is never the best: ``best_metric`` is -inf where a phase
    has nothing better, and the training then ends with an error rather than with a model.

    Args:
        validator: evaluator with a key metric.
        network: the network that it validates.
        folder: folder of the model files.
        warmup_epochs: epochs of the first phase; infinity: all epochs are compared with each other, and with the start
            where that is validated.

    Raises:
        ValueError: when the training ends, if its last phase diverged before it gave a model.
    """

    def __init__(
        self,
        validator: Evaluator,
        network: nn.Module,
        folder: str | os.PathLike[str],
        warmup_epochs: float = 0,
    ) -> None:
        self.validator, self.network, self.folder = validator, network, check_output_dir(folder)
        self.warmup_epochs = warmup_epochs
        self._validated_epoch = -1

    def attach(self, engine: Engine) -> None:
        """Register with the trainer, after the handler that runs the validation."""
        self.validator.add_event_handler(Events.COMPLETED, self._note_validation, engine)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._keep_best)
        engine.add_event_handler(Events.COMPLETED, self._keep_last)

    def _keep_last(self, engine: Engine) -> None:
        path, validated = self.folder / MODEL_FILE, best_phase(engine) == self._phase(engine)
        if validated and engine.state.best_metric == -math.inf:
            raise ValueError(f"{DIVERGED}, no {path.name} is written: lower --learning_rate")
        if not (validated and path.exists()):
            _save_finite(self.network, path)
            logger.warning("no validation fell into the last phase: %s is the last model, not the best", path)

    def _note_validation(self, validator: Engine, trainer: Engine) -> None:
        self._validated_epoch = trainer.state.epoch
        if trainer.state.epoch == 0:  # before the first step: the weights that the training starts from
            self._keep_best(trainer)

    def _phase(self, engine: Engine) -> str:
        return WARM_UP if engine.state.epoch <= self.warmup_epochs else MAIN

    def _keep_best(self, engine: Engine) -> None:
        epoch, state, phase = engine.state.epoch, self.validator.state, self._phase(engine)
        if epoch != self._validated_epoch:
            return
        metric = float(state.metrics[state.key_metric_name])
        if not (math.isfinite(metric) and _is_finite(self.network)):
            metric = -math.inf
        if best_phase(engine) == phase and metric <= engine.state.best_metric:
            return
        engine.state.best_metric, engine.state.best_metric_epoch = metric, epoch
        engine.state.best_phase = phase
        if metric == -math.inf:
            logger.warning("epoch %d: the metric or the weights are not finite, nothing is saved", epoch)
            return
        another_follows = phase == WARM_UP and self.warmup_epochs < engine.state.max_epochs
        path = self.folder / (SUPERVISED_FILE if another_follows else MODEL_FILE)
        save_state(self.network.state_dict(), path)
        logger.info("epoch %d: %s %.3f is the best so far, saved %s", epoch, state.key_metric_name, metric, path)


def best_phase(engine: Engine) -> str:
    """The phase a training's best model is of, :data:`WARM_UP` or :data:`MAIN`; empty if there is none."""
    return str(getattr(engine.state, "best_phase", ""))


class LastModelSaver:
    """Save a network's bare state dict as ``model.pt`` of a folder after each epoch, whatever the validation found.

    Raises:
        ValueError: in training, once the weights are not finite; the last finite ones are kept.
    """

    def __init__(self, network: nn.Module, folder: str | os.PathLike[str]) -> None:
        self.network, self.folder = network, check_output_dir(folder)

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._save)

    def _save(self, engine: Engine) -> None:
        _save_finite(self.network, self.folder / MODEL_FILE)


def save_state(state: Any, path: str | os.PathLike[str]) -> None:
    """Write what ``torch.save`` can, complete or not at all; the folder is made if needed.

    Raises:
        OSError: in one line, if it cannot be written (disk full, no permission).
    """
    with atomic_path(path) as temporary:
        try:
            torch.save(state, temporary)
        except RuntimeError as error:
            if not re.search("PytorchStreamWriter|inline_container|iostream", str(error)):
                raise  # not of torch's writer of files, which knows no OSError
            raise OSError(errno.ENOSPC, "the disk is full, or a quota used up") from error


def _is_finite(network: nn.Module) -> bool:
    return all(bool(torch.isfinite(value).all()) for value in network.state_dict().values())


def _save_finite(network: nn.Module, path: Path) -> None:
    if not _is_finite(network):
        raise ValueError(f"{DIVERGED}, {path.name} is not written: lower --learning_rate")
    save_state(network.state_dict(), path)
