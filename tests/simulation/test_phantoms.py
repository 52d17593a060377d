import numpy as np
import pytest
import torch

from monai_gan_recon.simulation import RandPhantom, RandPhantomd

SLICE = torch.full((1, 96, 128), 0.5)


@pytest.mark.parametrize("seed", range(8))
def test_a_phantom_is_a_bounded_object_with_something_in_it(seed):
    phantom = RandPhantom(1.0).set_random_state(seed)(SLICE)[0]
    assert phantom.shape == (96, 128)
    assert phantom.dtype == torch.float32
    assert float(phantom.min()) == 0
    assert float(phantom.max()) == 1
    assert 0.1 < float((phantom > 0).float().mean()) < 0.99
    rows, columns = (np.flatnonzero((phantom > 0).any(axis)) for axis in (1, 0))
    assert len(rows) > 48
    assert len(columns) > 48


def test_the_same_seed_gives_the_same_phantom_and_another_one_another():
    first, again = (RandPhantom(1.0).set_random_state(3) for _ in range(2))
    one = first(SLICE)
    assert torch.equal(one, again(SLICE))
    assert not torch.equal(one, first(SLICE))


def test_probability_is_how_often_a_slice_is_replaced():
    transform = RandPhantomd("image", prob=0.25).set_random_state(0)
    replaced = [not torch.equal(transform({"image": SLICE})["image"], SLICE) for _ in range(200)]
    assert 30 < sum(replaced) < 70


def test_other_slices_and_keys_are_left_alone():
    data = {"image": SLICE, "other": SLICE.clone()}
    result = RandPhantomd("image", prob=0.0).set_random_state(0)(data)
    assert result["image"] is SLICE
    assert set(result) == set(data)
