"""Order of slices: every epoch its own, each reproducible."""

import pytest
from monai.engines import Trainer
from torch.utils.data import DataLoader

from monai_gan_recon.data.epochs import EpochSampler


def _epoch(sampler, epoch):
    sampler.set_epoch(epoch + 1)  # engines count from 1
    return list(sampler)


def test_full_epoch_is_a_permutation_shifted_by_the_epoch():
    sampler = EpochSampler(50, seed=1)
    for epoch in (0, 3):
        indices = _epoch(sampler, epoch)
        assert sorted(indices) == list(range(epoch * 50, epoch * 50 + 50))
        assert indices != sorted(indices)


def test_order_depends_on_seed_and_epoch_alone():
    sampler = EpochSampler(50, 20, seed=1)
    again = EpochSampler(50, 20, seed=1)
    assert _epoch(sampler, 4) == _epoch(again, 4)
    assert len(_epoch(sampler, 4)) == len(sampler) == 20
    modulo = [
        [i % 50 for i in _epoch(s, e)] for s, e in ((sampler, 4), (sampler, 5), (EpochSampler(50, 20, seed=2), 4))
    ]
    assert modulo[0] != modulo[1] != modulo[2] != modulo[0]


def test_more_samples_than_slices_are_all_slices():
    assert len(EpochSampler(7, 100)) == 7


def test_processes_share_an_epoch_without_overlap():
    parts = [_epoch(EpochSampler(11, 10, 0, rank, 3), 2) for rank in range(3)]
    assert [len(part) for part in parts] == [3, 3, 3]
    assert len({index for part in parts for index in part}) == 9


@pytest.mark.parametrize("arguments", [(0,), (10, 0), (2, 2, 0, 0, 3), (10, 10, 0, 3, 3)])
def test_empty_share_is_refused(arguments):
    with pytest.raises(ValueError, match="cannot be split"):
        EpochSampler(*arguments)


def test_engines_tell_the_epoch():
    sampler, seen = EpochSampler(6, seed=1), []
    loader = DataLoader(range(100), sampler=sampler, batch_size=6)
    trainer = Trainer("cpu", 3, loader, iteration_update=lambda engine, batch: seen.append(sorted(batch.tolist())))
    trainer.run()
    assert seen == [list(range(start, start + 6)) for start in (0, 6, 12)]
