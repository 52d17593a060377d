"""Random scans for training: one kind a batch, everything from the slices' seeds, every option at work."""

import math

import numpy as np
import pytest
import torch
from phantoms import phantom
from scipy.io import savemat

from monai_gan_recon.measurement import SenseOperator, from_channels, to_channels, unpack
from monai_gan_recon.simulation import RandomScans, biot_savart_maps

SIZE = (32, 40)
LINES = {"gaussian1d": 0.5, "equispaced": 0.3, "random": 0.2}
REPLICA = {"replica_probability": 1.0, "points_probability": 0.0}


def items(count=3, seed=0, size=SIZE):
    images = phantom(count, size)
    return [
        {"image": images[i : i + 1], "seed": 1000 * seed + i, "case": "a", "plane": "axial", "slice": i}
        for i in range(count)
    ]


def gap(batch):
    """Relative difference of A^H A target and A^H y."""
    data = unpack(batch["input"])
    gram = SenseOperator(data.mask, data.maps).gram(from_channels(batch["target"]))
    return ((to_channels(gram) - data.adjoint).norm() / data.adjoint.norm()).item()


@pytest.mark.parametrize("size", [SIZE, (33, 41)])
@pytest.mark.parametrize("hermitian", [0.0, 1.0])
def test_replica_scans_are_exact(hermitian, size):
    scans = RandomScans(lines=LINES, hermitian_probability=hermitian, **REPLICA)
    for seed in range(5):
        batch = scans(items(seed=seed, size=size))
        assert batch["input"].shape == (3, 4, *size)
        assert gap(batch) < 1e-5
        assert (batch["input"][:, 3] == 0).all()
        assert (batch["target"][:, 1] == 0).all()
        mean = batch["input"][:, 2].mean()
        known = [s["rate"] for s in scans.drawn["slices"]]
        assert mean > np.mean(known) + 0.02 or hermitian == 0 or min(known) > 0.9


@pytest.mark.parametrize("phase_known", [0.0, 1.0])
def test_scans_with_phase_are_of_their_targets(phase_known):
    scans = RandomScans(replica_probability=0.0, exact_probability=1.0, coils=1, phase_known=phase_known)
    for seed in range(5):
        batch = scans(items(seed=seed))
        assert batch["input"].shape[1] == (6 if phase_known else 4)
        assert gap(batch) < 1e-5
        torch.testing.assert_close(from_channels(batch["target"]).abs(), phantom(3, SIZE), rtol=0, atol=1e-5)


def test_scans_of_coils_have_maps_of_a_small_error():
    scans = RandomScans(
        replica_probability=0.0,
        exact_probability=1.0,
        coils=4,
        multi_coil_probability=1.0,
        points_probability=0.0,
    )
    channels, gaps = set(), []
    for seed in range(20):
        batch = scans(items(2, seed))
        assert batch["input"].shape[1] == 4 + 2 * scans.drawn["coils"]
        channels.add(scans.drawn["coils"])
        gaps.append(gap(batch))
    assert channels == {2, 3, 4}
    assert 1e-4 < np.median(gaps) < 0.05


def test_noise_has_the_drawn_snr():
    """One coil: y - A x on the measured samples has the standard deviation of channel 3, white."""
    scans = RandomScans(replica_probability=0.0, exact_probability=0.0, coils=1, phase_known=0.0, snr=(4, 5))
    ratios = []
    for seed in range(10):
        batch = scans(items(seed=seed))
        data = unpack(batch["input"])
        noise = data.adjoint - to_channels(SenseOperator(data.mask).gram(from_channels(batch["target"])))
        ratios += (noise.square().mean(dim=(1, 2, 3)) / data.mask.mean(dim=(1, 2, 3))).sqrt() / data.noise_std.flatten()
        assert all(4 <= s["snr"] <= 5 for s in scans.drawn["slices"])
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)


def test_everything_follows_from_the_seeds():
    scans, others = RandomScans(lines=LINES), RandomScans(lines=LINES)
    np.random.seed(1)  # noqa: NPY002 - global state must not matter
    first = scans(items(seed=7))
    scans(items(seed=8))
    np.random.seed(2)  # noqa: NPY002
    torch.manual_seed(3)
    for again in (scans(items(seed=7)), others(items(seed=7))):
        assert torch.equal(first["input"], again["input"])
        assert torch.equal(first["target"], again["target"])
    assert first["input"].shape != (other := scans(items(seed=9)))["input"].shape or not torch.equal(
        first["input"], other["input"]
    )


def test_kinds_come_as_often_as_asked_for():
    scans = RandomScans(
        rates=(0.1, 0.6), lines=LINES, points={"gaussian2d": 1.0},
        points_probability=0.3, partial_fourier_probability=0.2,
        replica_probability=0.25, coils=3, multi_coil_probability=0.4, exact_probability=0.2, phase_known=0.7,
    )  # fmt: skip
    batches, one = [], items(1, size=(16, 16))
    for seed in range(400):
        scans([one[0] | {"seed": seed}])
        batches.append(scans.drawn | scans.drawn["slices"][0])

    def share(event, among=lambda b: True):
        chosen = [event(b) for b in batches if among(b)]
        return pytest.approx(np.mean(chosen), abs=4 * 0.5 / len(chosen) ** 0.5)

    def simulated(b):
        return b["track"] == "simulated"

    assert share(lambda b: not simulated(b)) == 0.25
    assert share(lambda b: b["points"]) == 0.3
    assert share(lambda b: b["coils"] > 1, simulated) == 0.4
    assert share(lambda b: b["phase_known"], simulated) == 0.7
    assert share(lambda b: b["snr"] == float("inf"), simulated) == 0.2
    assert share(lambda b: b["partial_fourier"] < 1, lambda b: not b["points"]) == 0.2
    assert share(lambda b: b["rate"] < 0.06**0.5) == 0.5  # log-uniform: the geometric mean is the median
    for pattern, probability in LINES.items():
        assert share(lambda b, p=pattern: b["pattern"] == p, lambda b: not b["points"]) == probability
    assert all(b["coils"] == 1 and b["snr"] == float("inf") for b in batches if not simulated(b))
    assert all(0.1 <= b["rate"] <= 0.6 for b in batches)


@pytest.mark.parametrize("option", [REPLICA, {"replica_probability": 0.0, "points_probability": 1.0, "coils": 1,
                                              "phase_known": 1.0}])  # fmt: skip
def test_slices_are_measured_once(option):
    """Other seeds, another batch: the same samples; another slice: others."""
    once = RandomScans(lines=LINES, measure_once=True, **option)
    first, again = once(items(seed=1)), once(items(seed=2)[::-1])
    assert list(first) == ["input"]
    assert torch.equal(first["input"], again["input"].flip(0))
    assert not torch.equal(first["input"][0, 2], first["input"][1, 2])
    often = RandomScans(lines=LINES, **option)
    assert not torch.equal(often(items(seed=1))["input"], often(items(seed=2))["input"])


def test_measured_maps_are_used_half_of_the_time(tmp_path):
    maps = biot_savart_maps((32, 32), 8, np.random.default_rng(0)).numpy()
    savemat(tmp_path / "S.mat", {"S": maps.transpose(1, 2, 0)[:, :, None]})
    option = {"replica_probability": 0.0, "multi_coil_probability": 1.0, "coils": 4}
    plain, measured = RandomScans(**option), RandomScans(coil_maps=tmp_path / "S.mat", **option)
    batches = [items(1) for _ in range(40)]
    for seed, batch in enumerate(batches):
        batch[0]["seed"] = seed
    differ = [not torch.equal(plain(b)["input"], measured(b)["input"]) for b in batches]
    assert 8 < sum(differ) < 32
    with pytest.raises(ValueError, match=r"S\.mat"):
        RandomScans(coils=9, coil_maps=tmp_path / "S.mat")


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ({"lines": {"spiral": 1.0}}, "spiral"),
        ({"points": {"poisson": 0.5}}, "add up"),
        ({"rates": (0.1, 1.5)}, "rate"),
        ({"rates": [0.5, 0.1]}, "rates"),
        ({"lines": {"random": -1, "gaussian1d": 2}}, "lines random"),
        ({"snr": [0, 20]}, "snr"),
        ({"snr": 20}, "snr"),
        ({"coils": 10**6}, "coils"),
        ({"coils": 2.5}, "coils"),
        ({"phase_known": math.nan}, "phase_known"),
        ({"replica_probability": 1.5}, "replica_probability"),
        ({"measure_once": 1}, "measure_once"),
        ({"measure_once": True}, "measure_once"),
        (
            {"measure_once": True, "replica_probability": 0.0, "points_probability": 0.0, "coils": 2},
            "measure_once",
        ),
    ],
)
def test_wrong_options(option, word):
    with pytest.raises(ValueError, match=word):
        RandomScans(**option)
