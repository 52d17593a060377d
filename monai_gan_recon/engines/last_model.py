"""Keep the last model: the choice that needs no reference image."""

from __future__ import annotations

import os
from pathlib import Path

from ignite.engine import Engine, Events
from torch import nn

from monai_gan_recon.engines.best_model import MODEL_FILE
from monai_gan_recon.io.writing import save_state


class LastModelSaver:
    """Save a network's bare state dict as ``model.pt`` after each epoch, whatever the validation found.

    Args:
        network: the network, usually the moving average.
        folder: folder of the file.
    """

    def __init__(self, network: nn.Module, folder: str | os.PathLike[str]) -> None:
        self.network, self.folder = network, Path(folder)

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._save)

    def _save(self, engine: Engine) -> None:
        save_state(self.network.state_dict(), self.folder / MODEL_FILE)
