"""The training's course as a CSV: one row an epoch, nothing lost on resuming."""

from __future__ import annotations

import csv
import os
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from ignite.handlers.tqdm_logger import ProgressBar
from monai.engines import Evaluator
from tqdm import tqdm

from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.checks import check_counts, check_output_dir, home_expanded

_SECONDS = 15.0
"""Time between two lines, in training and in validation, where no progress bar is shown."""


class TrainingLog:
    """Write epoch, iteration, learning rate, seconds, the mean of each loss term, and the validation's metrics, as CSV.

    Rows of epochs that a resumed training repeats are replaced. Attach it after the validation handler, so
    that it sees its metrics, and before the checkpoint, so that no finished epoch is without its row.

    Raises:
        ValueError: if there is a file that is no training log.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        validator: Evaluator | None = None,
        optimizer: torch.optim.Optimizer | None = None,
    ) -> None:
        self.path, self.validator, self.optimizer = home_expanded(path), validator, optimizer
        check_output_dir(self.path.parent)
        read_log(self.path)
        self._sums: dict[str, float | torch.Tensor] = {}
        self._counts: dict[str, int] = defaultdict(int)
        self._validated = False

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._add)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)
        if self.validator is not None:
            self.validator.add_event_handler(Events.COMPLETED, self._note_validation)

    def _start(self, engine: Engine) -> None:
        self._sums.clear()
        self._counts.clear()
        self._validated = False
        self._started = time.perf_counter()

    def _note_validation(self, engine: Engine) -> None:
        self._validated = True

    def _add(self, engine: Engine) -> None:
        for name, value in scalars(engine.state.output).items():
            self._sums[name] = self._sums.get(name, 0.0) + value  # stays on the device until the epoch ends
            self._counts[name] += 1

    def _write(self, engine: Engine) -> None:
        row: dict[str, Any] = {"epoch": engine.state.epoch, "iteration": engine.state.iteration}
        row["seconds"] = round(time.perf_counter() - self._started, 2)
        if self.optimizer is not None:
            row["learning_rate"] = self.optimizer.param_groups[0]["lr"]
        row |= {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        if self.validator is not None and self._validated:
            row |= self.validator.state.metrics
        rows = [r for r in read_log(self.path) if int(r["epoch"]) < engine.state.epoch] + [row]
        names = list(dict.fromkeys(name for r in rows for name in r))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(self.path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(rows)


def scalars(output: dict[str, Any]) -> dict[str, float | torch.Tensor]:
    """The scalar entries of an engine's output: losses, weights, norms."""
    return {
        str(name): value
        for name, value in output.items()
        if isinstance(value, float) or (isinstance(value, torch.Tensor) and value.ndim == 0)
    }


def read_log(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Rows of a training log; none if there is no file.

    Raises:
        ValueError: if it is no training log.
    """
    if not Path(path).exists():
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
        if all(int(row["epoch"]) > 0 and None not in row and None not in row.values() for row in rows):
            return rows
    except (csv.Error, ValueError, TypeError, KeyError):
        pass
    raise ValueError(f"{path} is damaged, or no training log: move it away; the training goes on without it")


class StartValidation:
    """Validate the weights that a training starts from, before its first step, so that the gain is seen.

    Attach it after what resumes a checkpoint: a resumed training has done this.
    """

    def __init__(self, validator: Evaluator) -> None:
        self.validator = validator

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.STARTED, self._validate)

    def _validate(self, engine: Engine) -> None:
        if engine.state.epoch == 0:
            self.validator.run()


class EarlyStop:
    """End a training whose validation has not become better for ``patience`` validations; what is saved is the best.

    It goes by ``engine.state.best_metric_epoch``, which checkpoints keep: a training that has ended so ends at once
    when it is started again, and goes on with more patience. Attach it after the :class:`BestModelSaver` and what
    resumes a checkpoint. ``interval`` is the number of epochs from one validation to the next.
    """

    def __init__(self, patience: int, interval: int = 1) -> None:
        check_counts(patience=patience, interval=interval)
        self.epochs = patience * interval

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.STARTED | Events.EPOCH_COMPLETED, self._stop)

    def _stop(self, engine: Engine) -> None:
        best = max(0, engine.state.best_metric_epoch)
        if engine.state.epoch - best >= self.epochs:
            tqdm.write(f"{_epoch(engine)}: ends here, since no validation after epoch {best} was better")
            engine.terminate()


class TrainingProgress:
    """A progress bar with the loss, and after each validation its PSNR beside the zero-filled one.

    The bar is shown on terminals only; elsewhere there is a line every 15 seconds. The lines of the validation are
    always printed.
    """

    def __init__(self, validator: Evaluator) -> None:
        self.validator = validator

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        if sys.stderr.isatty():
            bar = ProgressBar(desc="training")
            bar.attach(engine, output_transform=lambda output: {"loss": float(output["loss"])})
        else:
            self._last = time.monotonic()
            engine.add_event_handler(Events.ITERATION_COMPLETED, self._line, engine, "batch")
            self.validator.add_event_handler(Events.ITERATION_COMPLETED, self._line, engine, "validation batch")
        self.validator.add_event_handler(Events.COMPLETED, self._report, engine)

    def describe(self, metrics: Mapping[str, Any]) -> str:
        """What the validation found, in words."""
        return (
            f"validation PSNR {metrics['val_psnr']:.2f} dB (zero-filled {metrics['zero_filled_psnr']:.2f}), "
            f"SSIM {metrics['val_ssim']:.4f} (zero-filled {metrics['zero_filled_ssim']:.4f})"
        )

    def _line(self, engine: Engine, trainer: Engine, what: str) -> None:
        if time.monotonic() - self._last < _SECONDS:
            return
        self._last = time.monotonic()
        length = engine.state.epoch_length or 0
        done = (engine.state.iteration - 1) % length + 1 if length else engine.state.iteration
        loss = scalars(engine.state.output).get("loss") if engine is trainer else None
        text = "" if loss is None else f", loss {float(loss):.4f}"
        tqdm.write(f"{_epoch(trainer)}: {what} {done}/{length}{text}")

    def _report(self, validator: Engine, trainer: Engine) -> None:
        self._last = time.monotonic()
        tqdm.write(f"{_epoch(trainer)}: {self.describe(validator.state.metrics)}")


def _epoch(trainer: Engine) -> str:
    state = trainer.state
    return f"epoch {state.epoch}/{state.max_epochs}" if state.epoch else "before the first step"
