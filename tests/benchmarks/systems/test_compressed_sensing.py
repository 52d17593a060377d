"""Systems without weights: Hermitian completion, compressed sensing."""

import pytest
import torch
from baseline_inputs import batch, scan_of

from benchmarks.systems import CompressedSensing, HermitianZeroFilled, ZeroFilled
from monai_gan_recon.measurement import from_channels, mirror, pack

SIZE = (48, 64)


def box():
    image = torch.zeros(1, *SIZE)
    image[:, 12:36, 20:44] = 1.0
    image[:, 20:28, 28:36] = 0.4
    return image


def test_zero_filled_is_the_input():
    x = batch(SIZE)
    assert torch.equal(ZeroFilled()(x), x[:, :2])


@pytest.mark.parametrize("size", [SIZE, (47, 63)])
def test_half_of_k_space_and_its_mirror_are_all_of_a_real_image(size):
    image = torch.rand(1, *size, generator=torch.Generator().manual_seed(0))
    half = torch.ones(*size)
    half[:, size[1] // 2 + 1 :] = 0
    half[:, 0] = 1
    assert ((half + mirror(half)) > 0).all()
    found = HermitianZeroFilled()(pack(scan_of(image, mask=half)))
    torch.testing.assert_close(found[:, 0], image, rtol=0, atol=1e-5)
    assert found[:, 1].abs().max() < 1e-5


def test_completion_of_what_is_complete_changes_nothing():
    x = batch(SIZE, hermitian=True)
    torch.testing.assert_close(HermitianZeroFilled()(x), x[:, :2], rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", ["wavelet", "tv"])
def test_compressed_sensing_recovers_a_sparse_object(method):
    image = box()
    x = pack(scan_of(image, "gaussian2d", 0.35))
    recovered = from_channels(CompressedSensing(method, lamda=0.003, iterations=150)(x))
    zero_filled = from_channels(x[:, :2])
    assert (recovered - image).abs().square().sum() < 0.36 * (zero_filled - image).abs().square().sum()


def test_noisy_samples_have_a_weight_of_their_own():
    x = pack(scan_of(box(), "gaussian2d", 0.35))
    noisy = x.clone()
    noisy[:, 3] = 0.1
    both = CompressedSensing("tv", 0.003, 0.3, 5)
    assert torch.equal(both(x), CompressedSensing("tv", 0.003, None, 5)(x))
    assert torch.equal(both(noisy), CompressedSensing("tv", 0.3, None, 5)(noisy))
    assert not torch.equal(both(noisy), CompressedSensing("tv", 0.003, None, 5)(noisy))


def test_everything_measured_comes_back():
    x = pack(scan_of(box(), mask=torch.ones(SIZE)))
    torch.testing.assert_close(CompressedSensing("tv", 1e-6)(x)[:, 0], box(), rtol=0, atol=0.01)


@pytest.mark.parametrize("arguments", [{"method": "dct"}, {"lamda": 0.0}, {"noisy_lamda": -1.0}, {"iterations": 0}])
def test_wrong_arguments(arguments):
    with pytest.raises(ValueError, match="compressed sensing"):
        CompressedSensing(**arguments)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sigpy.mri.app", None)
    with pytest.raises(ValueError, match="SigPy"):
        CompressedSensing()


def test_the_numbers_are_part_of_the_printed_form():
    assert "lamda=0.25, noisy_lamda=0.5, iterations=7" in repr(CompressedSensing("tv", 0.25, 0.5, 7))
