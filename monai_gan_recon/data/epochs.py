"""Random items in epochs, reproducible from (seed, epoch, index) alone, whatever the number of workers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from monai.data import MetaTensor
from monai.transforms import Randomizable
from torch.utils.data import Dataset, DistributedSampler

from monai_gan_recon.checks import check_seed

DictTransform = Callable[[dict[str, Any]], Mapping[str, Any]]
"""From dictionary to dictionary."""


class EpochSampler(DistributedSampler[int]):
    """Random items without repetition in each epoch, as indices that also say which epoch it is.

    Yields ``epoch * dataset_len + i``, from which an :class:`EpochDataset` takes the epoch. MONAI's engines tell a
    sampler of this kind the number of each epoch, from 1.

    Args:
        dataset_len: number of items in the data set.
        num_samples: items an epoch over all processes; ``None``, or more than there are: all of them.
        seed: seed of the order.
        rank: number of this process in distributed training.
        world_size: number of processes; every ``world_size``-th item goes to this one, the remainder to none.

    Raises:
        ValueError: if there would be no item.
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
            raise ValueError(f"an epoch of {total} items cannot be split over {world_size} processes (this is {rank})")
        items: Any = range(dataset_len)  # of the data set only its length counts
        super().__init__(items, world_size, rank, seed=seed)
        self.dataset_len, self.num_samples = dataset_len, total // world_size

    def __iter__(self) -> Iterator[int]:
        """Indices of the items of this epoch."""
        epoch = max(self.epoch - 1, 0)
        order = np.random.default_rng([self.seed, epoch]).permutation(self.dataset_len)
        chosen = order[: self.num_samples * self.num_replicas][self.rank :: self.num_replicas]
        return iter((epoch * self.dataset_len + chosen).tolist())


class EpochDataset(Dataset):
    """Data set whose item ``i`` of epoch ``e`` is ``dataset[e * len(dataset) + i]``, as :class:`EpochSampler` asks.

    Its randomness depends on (seed, epoch, index) alone, so that a resumed training repeats itself exactly.

    Args:
        transform: run on every item, random or not; a ``Compose`` is seeded for each item. None: nothing.
        seed: seed of the order and of the random transforms.
        per_epoch: items an epoch of :meth:`sampler`; ``None``: all.
    """

    def __init__(self, transform: DictTransform | None, seed: int, per_epoch: int | None = None) -> None:
        check_seed(seed)
        self.transform, self.seed, self.per_epoch = transform, seed, per_epoch

    @abstractmethod
    def __len__(self) -> int:
        """Number of items."""

    @abstractmethod
    def item(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """Item ``index``, counted over all epochs, before the transform."""

    def sampler(self, rank: int = 0, world_size: int = 1) -> EpochSampler:
        """Sampler of an epoch's items in random order."""
        return EpochSampler(len(self), self.per_epoch, self.seed, rank, world_size)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The items of epoch 0, in order."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Item ``index % len`` as it is in epoch ``index // len``, with its ``seed``; plain tensors, no MetaTensor."""
        if index < 0:
            raise IndexError(f"the index of an item must not be negative, it is {index}")
        entropy = [self.seed, *divmod(int(index), len(self))]
        seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
        item: Mapping[str, Any] = {**self.item(int(index), np.random.default_rng(entropy)), "seed": seed}
        if self.transform is not None:
            if isinstance(self.transform, Randomizable):
                self.transform.set_random_state(seed=seed)
            item = self.transform(dict(item))
        return {key: v.as_tensor() if isinstance(v, MetaTensor) else v for key, v in item.items()}
