"""Loading weights: round trip, half precision, clear errors, nothing executed."""

import pickle

import pytest
import torch
from torch import nn

from monai_gan_recon.networks import load_weights, trainable


def test_round_trip_and_half_precision(tmp_path):
    source, copy = nn.Linear(3, 2), nn.Linear(3, 2)
    torch.save({name: value.half() for name, value in source.state_dict().items()}, tmp_path / "half.pt")
    load_weights(copy, tmp_path / "half.pt")
    torch.testing.assert_close(copy.weight, source.weight, atol=1e-3, rtol=1e-3)
    assert copy.weight.dtype == torch.float32


def test_none_leaves_the_network():
    network = nn.Linear(3, 2)
    before = network.weight.clone()
    assert torch.equal(load_weights(network, None).weight, before)


def test_what_has_no_parameters_cannot_be_trained():
    network = nn.Linear(3, 2)
    assert [p.shape for p in trainable(network)] == [(2, 3), (2,)]
    with pytest.raises(ValueError, match="Identity has nothing to train"):
        trainable(nn.Identity())


def test_clear_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="no weights at"):
        load_weights(nn.Linear(3, 2), tmp_path / "missing.pt")
    torch.save(nn.Linear(4, 2).state_dict(), tmp_path / "other.pt")
    with pytest.raises(ValueError, match="weights of another network"):
        load_weights(nn.Linear(3, 2), tmp_path / "other.pt")
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(ValueError, match="is not a file of weights"):
        load_weights(nn.Linear(3, 2), tmp_path / "text.pt")


class Executes:
    def __reduce__(self):
        return (exec, ("raise SystemExit('executed')",))


@pytest.mark.parametrize(
    "odd",
    [
        lambda name, value: (name, value.to(torch.complex64)),
        lambda name, value: (name, value.to("meta")),
        lambda name, value: (name, value.to_sparse()),
        lambda name, value: (1, value),
        lambda name, value: (name, "text"),
        lambda name, value: (name, value.int()),
    ],
)
def test_odd_tensors_are_no_weights(tmp_path, odd):
    state = dict(odd(name, value) for name, value in nn.Linear(3, 2).state_dict().items())
    torch.save(state, tmp_path / "odd.pt")
    with pytest.raises(ValueError, match=r"odd\.pt is not a file of weights"):
        load_weights(nn.Linear(3, 2), tmp_path / "odd.pt")


def test_nothing_is_executed(tmp_path):
    with open(tmp_path / "evil.pt", "wb") as file:
        pickle.dump(Executes(), file)
    with pytest.raises(ValueError, match="is not a file of weights"):
        load_weights(nn.Linear(3, 2), tmp_path / "evil.pt")
