"""Resumable checkpoints: a training killed at any moment goes on from its last finished epoch."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from torch.optim import Optimizer

from monai_gan_recon.checks import check_output_dir, home_expanded
from monai_gan_recon.engines.saving import best_phase, save_state

logger = logging.getLogger(__name__)

PROGRESS = ("epoch", "iteration", "best_metric", "best_metric_epoch", "best_phase")
"""What a checkpoint holds of the engine's state."""


class ResumableCheckpoint:
    """Save everything a training needs to go on after each epoch, and load it when the training starts.

    The file is written under a temporary name and renamed, so that a kill leaves the former one intact. It holds
    tensors and plain values only and is loaded with ``weights_only=True``. Learning rates, weight decay and the like
    are the configured ones, also where they differ from those of the checkpoint; a scheduled rate keeps its place.

    A checkpoint that another training left in the folder is refused as soon as this object is made, before anything is
    prepared or measured.

    Args:
        path: the checkpoint file.
        objects: what has ``state_dict`` and ``load_state_dict``: networks, optimisers, schedulers, the moving average.
        resume: load the file if it exists; False: refuse to overwrite it.
        save: write checkpoints; False in all but the first of several processes.
        identity: of the training, see :func:`~monai_gan_recon.engines.training_identity`; a checkpoint with another
            one, or none, is refused, and what differs is named.

    Raises:
        ValueError: if the checkpoint is damaged, of another training, or exists without ``resume``; when the training
            starts, if it does not fit the objects.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        objects: Mapping[str, Any],
        resume: bool = True,
        save: bool = True,
        identity: Mapping[str, str] | None = None,
    ) -> None:
        self.path, self.objects, self.resume = home_expanded(path), dict(objects), resume
        self.writes, self.identity = save, dict(identity or {})
        check_output_dir(self.path.parent)
        if self.path.exists():
            self._read()

    def attach(self, engine: Engine) -> None:
        """Register with a trainer; attach before handlers that need the resumed state."""
        engine.add_event_handler(Events.STARTED, self._start)
        if self.writes:
            engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def save(self, engine: Engine) -> None:
        """Write the checkpoint."""
        state = {
            "objects": {name: thing.state_dict() for name, thing in self.objects.items()},
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "best_metric": float(engine.state.best_metric),
            "best_metric_epoch": int(engine.state.best_metric_epoch),
            "best_phase": best_phase(engine),
            "random": random_state(),
            "identity": self.identity,
        }
        save_state(state, self.path)

    def _start(self, engine: Engine) -> None:
        if not self.path.exists():
            return
        state = self._read()
        try:
            set_random_state(state["random"])
            for name, thing in self.objects.items():
                _load(thing, state["objects"][name])
        except (KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(
                f"{self.path} does not fit this configuration ({reason}): choose another --ckpt_dir"
            ) from error
        for name in PROGRESS:
            setattr(engine.state, name, state[name])
        logger.info("resumed %s: %d of %d epochs done", self.path, state["epoch"], engine.state.max_epochs)

    def _read(self) -> dict[str, Any]:
        """Content of the file."""
        if not self.resume:
            raise ValueError(f"{self.path} exists: resume that training (--resume) or choose another --ckpt_dir")
        try:
            state = dict(torch.load(self.path, map_location="cpu", weights_only=True))
            finite = all(
                value.isfinite().all()
                for thing in state["objects"].values()
                for value in thing.values()
                if isinstance(value, torch.Tensor) and value.is_floating_point()
            )
            plain = all(isinstance(state[name], (int, float, str)) for name in PROGRESS)
        except OSError:
            raise
        except Exception as error:  # pickle, zipfile and torch have errors of all kinds
            raise ValueError(
                f"{self.path} is damaged, or no checkpoint of this program: move it away to start again, or choose "
                "another --ckpt_dir"
            ) from error
        if not (finite and plain):
            raise ValueError(
                f"{self.path} has NaN or infinite weights, from a training that diverged: move it away to start again"
            )
        if (identity := state.get("identity")) != self.identity:
            known = identity if isinstance(identity, dict) else {}
            differing = [name for name in {**known, **self.identity} if known.get(name) != self.identity.get(name)]
            raise ValueError(
                f"{self.path} is of another training (other {', '.join(differing) if known else 'options'}): "
                "choose another --output_dir, or move the checkpoint away to start again"
            )
        return state


def _load(thing: Any, state: dict[str, Any]) -> None:
    if not isinstance(thing, Optimizer):
        thing.load_state_dict(state)
        return
    configured = [{key: v for key, v in group.items() if key != "params"} for group in thing.param_groups]
    thing.load_state_dict(state)
    for group, wanted in zip(thing.param_groups, configured, strict=True):
        base, wanted_base = (g.get("initial_lr", g["lr"]) for g in (group, wanted))
        group.update(wanted, lr=group["lr"] * (wanted_base / base))


def random_state() -> dict[str, Any]:
    """State of the global random generators of Python, numpy and torch, as plain values and tensors."""
    name, keys, position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002 - MONAI draws from it
    version, internal, gauss_next = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [str(name), torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, gauss],
        "python": [version, list(internal), gauss_next],
    }


def set_random_state(state: Mapping[str, Any]) -> None:
    """Restore what :func:`random_state` gave."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"][: torch.cuda.device_count()])
    name, keys, position, has_gauss, gauss = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, gauss))  # noqa: NPY002
    version, internal, gauss_next = state["python"]
    random.setstate((version, tuple(internal), gauss_next))
