"""Undersampling: physics, seeds, tracks, metadata."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.kspace import ForwardModel, fft2c, from_channels, noise_weight
from monai_gan_recon.transforms import RandUndersampled, Undersample, Undersampled, noise_sigma, smooth_phase


def image(*shape, seed=0):
    return torch.rand(1, *shape, generator=torch.Generator().manual_seed(seed))


def test_zero_filled_is_the_adjoint_of_the_measurement():
    x = image(40, 48)
    scan = Undersample(rate=0.3, hermitian=False)(x, "case")
    model = ForwardModel(scan.mask[0])
    torch.testing.assert_close(from_channels(scan.zero_filled), model.adjoint(model(x[0])))
    assert torch.equal(scan.input[:2], scan.zero_filled)
    assert torch.equal(scan.input[2:], scan.mask)
    assert scan.mask.mean().item() == pytest.approx(round(0.3 * 48) / 48)


def test_hermitian_completion_is_given_to_the_network_only():
    x = image(40, 48)
    with_it, without = (Undersample(rate=0.3, hermitian=h)(x, "case") for h in (True, False))
    assert torch.equal(with_it.zero_filled, without.zero_filled)
    assert torch.equal(with_it.mask, without.mask)
    assert with_it.input[2].sum() > without.input[2].sum()
    completed = fft2c(from_channels(with_it.input[:2]))
    torch.testing.assert_close(completed, fft2c(x[0]) * with_it.input[2], atol=1e-5, rtol=1e-4)


def test_volume_is_its_slices_with_one_mask():
    volume = image(3, 32, 40)
    whole = Undersample(rate=0.4)(volume, "case")
    assert whole.input.shape == (3, 3, 32, 40)
    assert whole.zero_filled.shape == (2, 3, 32, 40)
    assert whole.mask.shape == (1, 3, 32, 40)
    for n in range(3):
        one = Undersample(rate=0.4)(volume[:, n], "case")
        for a, b in zip(whole, one, strict=True):
            torch.testing.assert_close(a[:, n], b)


def test_case_and_seed_decide():
    x = image(32, 64)
    masks = [Undersample(seed=s)(x, c).mask for s, c in ((0, "a"), (0, "a"), (0, "b"), (1, "a"))]
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])
    assert not torch.equal(masks[0], masks[3])


def test_simulated_track_has_the_promised_noise():
    x = torch.ones(1, 8, 64, 64)
    scan = Undersample(rate=1.0, track="simulated", snr=20.0)(x, "case")
    residual = scan.zero_filled - scan.zero_filled.mean()
    magnitude = torch.linalg.vector_norm(scan.zero_filled, dim=0)
    assert magnitude.mean().item() == pytest.approx(1.0, abs=0.01)
    assert magnitude.std().item() == pytest.approx(1 / 20, rel=0.05)
    assert residual.std() > 0.3  # the phase
    assert scan.input[2].unique().item() == pytest.approx(noise_weight(1 / 20))


def test_smooth_phase_is_smooth_and_bounded():
    phase = smooth_phase((64, 80), np.random.default_rng(0))
    assert phase.shape == (64, 80)
    assert phase.abs().max().item() == pytest.approx(np.pi, rel=1e-5)
    assert phase.diff(dim=0).abs().max() < 0.6


def test_noise_sigma_is_of_the_foreground():
    x = torch.zeros(1, 20, 20)
    x[:, :10] = 0.5
    assert noise_sigma(x, 10.0) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="SNR"):
        noise_sigma(x, 0.0)


def test_magnitude_channel():
    x = image(32, 32)
    scan = Undersample(channels=1)(x, "case")
    torch.testing.assert_close(scan.input[0], from_channels(scan.zero_filled).abs())


def test_metadata_is_kept():
    affine = torch.diag(torch.tensor([2.0, 3.0, 4.0, 1.0], dtype=torch.float64))
    data = {"image": MetaTensor(image(4, 32, 32), affine=affine), "case": "x"}
    result = Undersampled("image", rate=0.5)(data)
    for key in ("input", "zero_filled", "mask", "target"):
        assert torch.equal(result[key].affine, affine), key
    assert torch.equal(result["target"], data["image"])


def test_dictionary_form_equals_array_form():
    data = {"image": image(32, 40), "case": "x"}
    result = Undersampled("image", rate=0.3, seed=5)(data)
    expected = Undersample(rate=0.3, seed=5)(data["image"], "x")
    for key in ("input", "zero_filled", "mask"):
        assert torch.equal(result[key], getattr(expected, key))


def test_random_form_draws_what_it_is_given():
    transform = RandUndersampled(
        "image",
        rates=(0.1, 0.4),
        patterns=("gaussian1d", "equispaced"),
        axes=(-1, -2),
        simulated_probability=0.5,
    )
    transform.set_random_state(seed=0)
    drawn, first = [], None
    for _ in range(60):
        result = transform({"image": image(32, 32)})
        first = first if first is not None else result["input"]
        drawn.append((transform.rate, transform.pattern, transform.axis, transform.track))
        lines_vary = -1 if result["mask"][0, 0].unique().numel() == 2 else -2
        assert lines_vary == transform.axis
        assert (result["input"][2].max() < 1) == (transform.track == "simulated")
    rates, patterns, axes, tracks = zip(*drawn, strict=True)
    assert 0.1 <= min(rates) < 0.15
    assert 0.33 < max(rates) <= 0.4
    assert set(patterns) == {"gaussian1d", "equispaced"}
    assert set(axes) == {-1, -2}
    assert set(tracks) == {"replica", "simulated"}
    transform.set_random_state(seed=0)
    assert torch.equal(transform({"image": image(32, 32)})["input"], first)


@pytest.mark.parametrize("track", [0.0, 1.0])
def test_a_slice_that_is_measured_once_is_measured_the_same_way(track):
    options = {"rates": (0.1, 0.5), "simulated_probability": track, "measure_once": True}
    item = {"image": torch.rand(1, 32, 48), "case": "a", "plane": "coronal", "slice": 3}
    scans = [RandUndersampled(**options).set_random_state(seed=seed)(item) for seed in (0, 1)]
    assert torch.equal(scans[0]["input"], scans[1]["input"])
    other = RandUndersampled(**options)(item | {"slice": 4})
    assert not torch.equal(scans[0]["mask"], other["mask"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pattern": "spiral"}, "unknown sampling pattern"),
        ({"rate": 0}, "sampling rate"),
        ({"track": "raw"}, "unknown track"),
        ({"channels": 2}, "channels must be"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Undersample(**arguments)
