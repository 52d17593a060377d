"""Systems without weights: Hermitian completion, compressed sensing."""

import pytest
import torch

from monai_gan_recon.kspace import from_channels, mirror, sampling_mask
from monai_gan_recon.networks.baselines import CompressedSensing, HermitianZeroFilled, ZeroFilled
from monai_gan_recon.transforms import acquire


def box(size=(48, 64)):
    image = torch.zeros(1, *size)
    image[:, 12:36, 20:44] = 1.0
    image[:, 20:28, 28:36] = 0.4
    return image


def test_zero_filled_is_the_input():
    x = acquire(box(), sampling_mask("gaussian1d", (48, 64), 0.3, seed=0), channels=1).input[None]
    assert torch.equal(ZeroFilled()(x), x)


@pytest.mark.parametrize("size", [(48, 64), (47, 63)])
def test_half_of_k_space_and_its_mirror_are_all_of_a_real_image(size):
    image = torch.rand(1, *size, generator=torch.Generator().manual_seed(0))
    half = torch.zeros(size)
    half[:, : size[1] // 2 + 1] = 1
    assert (half + mirror(half) > 0).all()
    x = acquire(image, half).input[None]
    torch.testing.assert_close(HermitianZeroFilled()(x)[0], image, rtol=0, atol=1e-5)


def test_completion_of_what_is_complete_changes_nothing():
    x = acquire(box(), sampling_mask("gaussian1d", (48, 64), 0.3, seed=0), hermitian=True).input[None]
    torch.testing.assert_close(HermitianZeroFilled().complex_estimate(x), x[:, :2], rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", ["wavelet", "tv"])
def test_compressed_sensing_recovers_a_sparse_object(method):
    image = box()
    x = acquire(image, sampling_mask("gaussian2d", (48, 64), 0.35, seed=0)).input[None]
    recovered = CompressedSensing(method, lamda=0.003, iterations=150)(x)[0]
    zero_filled = from_channels(x[:, :2]).abs()
    assert (recovered - image).norm() < 0.6 * (zero_filled - image).norm()


def test_noisy_samples_have_a_weight_of_their_own():
    x = acquire(box(), sampling_mask("gaussian2d", (48, 64), 0.35, seed=0)).input[None]
    noisy = x.clone()
    noisy[:, 2] *= 0.5
    both = CompressedSensing("tv", 0.003, 0.3, 5)
    assert torch.equal(both(x), CompressedSensing("tv", 0.003, None, 5)(x))
    assert torch.equal(both(noisy), CompressedSensing("tv", 0.3, None, 5)(noisy))
    assert not torch.equal(both(noisy), CompressedSensing("tv", 0.003, None, 5)(noisy))


def test_everything_measured_comes_back():
    image = box()
    x = acquire(image, torch.ones(48, 64)).input[None]
    torch.testing.assert_close(CompressedSensing("tv", 1e-6)(x)[0], image, rtol=0, atol=0.01)


@pytest.mark.parametrize(
    "arguments", [{"method": "dct"}, {"lamda": 0.0}, {"noisy_lamda": -1.0}, {"iterations": 0}]
)
def test_wrong_arguments(arguments):
    with pytest.raises(ValueError, match="compressed sensing: "):
        CompressedSensing(**arguments)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sigpy.mri.app", None)
    with pytest.raises(ValueError, match=r"monai-gan-recon\[benchmarks\]"):
        CompressedSensing()


def test_the_numbers_are_part_of_the_printed_form():
    assert "lamda=0.25, noisy_lamda=0.5, iterations=7" in repr(CompressedSensing("tv", 0.25, 0.5, 7))
