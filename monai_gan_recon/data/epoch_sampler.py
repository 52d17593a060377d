"""Order of the training slices in each epoch, reproducible from (seed, epoch) alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class EpochSampler(Sampler[int]):
    """Random slices without repetition in each epoch, as indices that also say which epoch it is.

    Yields ``epoch * dataset_len + i``: :class:`~monai_gan_recon.data.slice_dataset.VolumeSliceDataset` takes
    the epoch from it, so that its random transforms do not depend on workers, and a resumed training repeats
    itself exactly.

    Args:
        dataset_len: number of slices in the data set.
        num_samples: slices an epoch over all processes; ``None``, or more than there are: all of them.
        seed: seed of the order.
        rank: number of this process in distributed training.
        world_size: number of processes; every ``world_size``-th slice goes to this one, the remainder to
            none.

    Raises:
        ValueError: if there would be no slice.
    """

    def __init__(
        self,
        dataset_len: int,
        num_samples: int | None = None,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        total = dataset_len if num_samples is None else min(num_samples, dataset_len)
        if total < world_size or not 0 <= rank < world_size:
            raise ValueError(
                f"an epoch of {total} slices cannot be split over {world_size} processes (this is {rank})"
            )
        self.dataset_len = dataset_len
        self.num_samples = total // world_size
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) whose slices the next iteration yields."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        """Indices of the slices of this epoch."""
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.dataset_len)
        chosen = order[: self.num_samples * self.world_size][self.rank :: self.world_size]
        return iter((self.epoch * self.dataset_len + chosen).tolist())

    def __len__(self) -> int:
        """Number of slices of an epoch in this process."""
        return self.num_samples
