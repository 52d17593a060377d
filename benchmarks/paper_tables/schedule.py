"""How many epochs of how many slices make a number of slice-iterations."""

from __future__ import annotations

from dataclasses import dataclass

MIN_EPOCHS, MAX_EPOCHS = 4, 20
"""An epoch is a validation and a checkpoint; the last quarter of the epochs tells whether the curve is flat."""

MIN_BATCHES = 4
"""Of an epoch, if the training has enough: else validation would take more time than training."""

MAX_SLICES = 1000
"""Of an epoch: fewer than the training people of the tables have."""


@dataclass(frozen=True)
class Schedule:
    """Length of a training.

    Attributes:
        epochs: number of epochs, each followed by a validation and a checkpoint.
        slices_per_epoch: training slices of an epoch, a multiple of the batch size.
    """

    epochs: int
    slices_per_epoch: int

    @property
    def slice_iterations(self) -> int:
        """Generator samples seen."""
        return self.epochs * self.slices_per_epoch


def schedule_of(slice_iterations: int, batch_size: int) -> Schedule:
    """The longest schedule of whole batches that does not exceed a number of slice-iterations.

    Args:
        slice_iterations: slices that the generator may see.
        batch_size: slices of a batch.

    Raises:
        ValueError: if that is less than one batch for each of four epochs.
    """
    batches = slice_iterations // batch_size
    if batches < MIN_EPOCHS:
        raise ValueError(
            f"{slice_iterations} slice-iterations do not fill {MIN_EPOCHS} epochs of one batch of {batch_size}: "
            "raise --slice_iterations or --budget, or lower --batch_size"
        )
    longest = max(MAX_SLICES // batch_size, 1)
    wanted = max(MIN_EPOCHS, min(MAX_EPOCHS, batches // MIN_BATCHES))
    epochs = max(wanted, -(-batches // longest))
    return Schedule(epochs, batches // epochs * batch_size)
