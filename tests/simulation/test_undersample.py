"""Scans for evaluation: the same for a case every time, whatever the blocks; true to what they say."""

import math

import pytest
import torch
from phantoms import phantom

from monai_gan_recon.measurement import (
    SenseOperator,
    from_channels,
    mirror,
    pack,
    sampling_mask,
    to_channels,
    unpack,
)
from monai_gan_recon.simulation import Undersample, Undersampled, acquire, noise_std_for

SIZE = (32, 40)
KINDS = {
    "replica": {},
    "not completed": {"hermitian": False},
    "phase": {"track": "simulated"},
    "unknown phase": {"track": "simulated", "phase": False},
    "coils": {"track": "simulated", "coils": 3},
    "coils of unknown phase": {"track": "simulated", "coils": 3, "phase": False},
}


def slices_of(count=6, size=SIZE):
    return phantom(count, size)[None] * torch.linspace(0.5, 1, count)[None, :, None, None]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [SIZE, (33, 41)])
def test_the_target_is_what_was_measured(kind, size):
    """Without noise: A^H A of the target is A^H y, and the zero-filled image is that of the mask."""
    scan = Undersample(rate=0.4, **{"snr": None} | KINDS[kind])(slices_of(size=size), "case")
    data = unpack(scan["input"])
    target = from_channels(scan["target"])
    assert (data.noise_std == 0).all()
    gram = SenseOperator(data.mask, data.maps).gram(target)
    torch.testing.assert_close(to_channels(gram), data.adjoint, rtol=0, atol=1e-5)
    zero_filled = SenseOperator(scan["mask"], data.maps).gram(target)
    torch.testing.assert_close(to_channels(zero_filled), scan["zero_filled"], rtol=0, atol=1e-5)
    completed = (scan["mask"] != 0) | mirror(scan["mask"] != 0) if kind == "replica" else scan["mask"] != 0
    assert torch.equal(data.mask != 0, completed)
    if "coils" not in kind:
        torch.testing.assert_close(target.abs(), slices_of(size=size)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_of_slices_make_no_difference(kind):
    undersample, volume = Undersample(rate=0.3, **KINDS[kind]), slices_of()
    whole = undersample(volume, "case")
    blocks = [undersample(volume[:, i:j], "case", i, volume) for i, j in ((0, 1), (1, 4), (4, 6))]
    for key, wanted in whole.items():
        torch.testing.assert_close(torch.cat([b[key] for b in blocks]), wanted, rtol=1e-5, atol=1e-6)


def test_the_noise_is_that_of_the_whole_volume_and_of_each_slice_its_own():
    volume = slices_of(30)
    noisy, exact = (Undersample(rate=0.5, track="simulated", snr=snr, phase=False) for snr in (5, None))
    noise = (noisy(volume, "c")["input"] - exact(volume, "c")["input"])[:, :2]
    std = noise_std_for(volume, 5)
    assert noisy(volume[:, :1], "c", 0, volume)["input"][:, 3].unique().item() == pytest.approx(std)
    assert noise.std().item() == pytest.approx(std * 0.5**0.5, rel=0.05)
    correlation = (noise[0] * noise[1]).mean() / noise.square().mean()
    assert abs(correlation.item()) < 0.1


def test_a_case_is_scanned_the_same_way_each_time():
    scans = [
        Undersample(track="simulated", seed=seed)(slices_of(1), case)
        for case, seed in (("a", 0), ("a", 0), ("b", 0), ("a", 1))
    ]
    assert all(torch.equal(scans[0][key], scans[1][key]) for key in scans[0])
    for other in scans[2:]:
        assert not torch.equal(scans[0]["mask"], other["mask"])
    assert torch.equal(scans[0]["mask"][0, 0], scans[0]["mask"][0, 0][:1].expand(SIZE))


@pytest.mark.parametrize(
    "option",
    [
        {"pattern": "poisson"},
        {"rate": 0.5},
        {"axis": -2},
        {"track": "replica"},
        {"snr": 5},
        {"coils": 4},
        {"phase": False},
        {"centre_fraction": 0.3},
        {"partial_fourier": 0.7},
        {"seed": 5},
    ],
)
def test_every_option_has_an_effect(option):
    base = {"track": "simulated", "rate": 0.3}
    scans = [Undersample(**base | o)(slices_of(2), "case")["input"] for o in ({}, option)]
    assert scans[0].shape != scans[1].shape or not torch.allclose(scans[0], scans[1], atol=1e-4)


def test_the_dictionary_form_is_the_same_scan_of_one_slice():
    volume, options = slices_of(), {"rate": 0.3, "track": "simulated", "snr": None}
    whole = Undersample(**options)(volume, "case")
    item = Undersampled("image", **options)({"image": volume[:, 4], "case": "case", "slice": 4, "kept": 1})
    assert item["kept"] == 1
    for key, wanted in whole.items():
        torch.testing.assert_close(item[key], wanted[4])


def test_replica_without_completion_is_the_plain_scan():
    scan = Undersample(rate=0.3, hermitian=False)(slices_of(2), "case")
    data, _ = acquire(slices_of(2)[0], scan["mask"][0, 0])
    assert torch.equal(scan["input"], pack(data))
    assert scan["mask"].mean() == sampling_mask("gaussian1d", SIZE, 0.3, seed=0).float().mean()


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ({"pattern": "spiral"}, "spiral"),
        ({"rate": 0}, "rate"),
        ({"track": "raw"}, "track"),
        ({"axis": 1}, "axis"),
        ({"snr": 0}, "snr"),
        ({"coils": 2}, "coils"),
        ({"coils": 0, "track": "simulated"}, "coils"),
        ({"seed": -1}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"snr": math.inf, "track": "simulated"}, "snr"),
        ({"snr": True, "track": "simulated"}, "snr"),
        ({"coils": 10**6, "track": "simulated"}, "coils"),
        ({"coils": 2.0, "track": "simulated"}, "coils"),
        ({"axis": -1.0}, "axis"),
        ({"partial_fourier": 0.5}, "partial_fourier"),
        ({"partial_fourier": math.nan}, "partial_fourier"),
        ({"hermitian": 1}, "hermitian"),
    ],
)
def test_wrong_options(option, word):
    with pytest.raises(ValueError, match=word):
        Undersample(**option)
