"""A scan of a known object: signal, coils, noise, phase."""

import numpy as np
import pytest
import torch
from phantoms import phantom

from monai_gan_recon.measurement import ifft2c, mirror, sampling_mask
from monai_gan_recon.simulation import (
    acquire,
    biot_savart_maps,
    informed,
    noise_std_for,
    random_field,
    random_phase,
    smooth_phase,
)

SIZE = (48, 64)
EVERYTHING = torch.ones(*SIZE, dtype=torch.bool)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("size", [SIZE, (47, 63)])
@pytest.mark.parametrize("coils", [0, 1, 5])
def test_the_measurement_is_of_the_image_that_comes_with_it(coils, size):
    image = phantom(3, size)
    mask, phase = sampling_mask("poisson", size, 0.4, seed=0), smooth_phase(size, rng())
    maps = biot_savart_maps(size, coils) if coils else None
    data, signal = acquire(image, mask, phase, maps)
    assert data.kspace.shape == (3, max(coils, 1), *size)
    torch.testing.assert_close(data.operator.forward(signal), data.kspace)
    assert (data.kspace[..., ~mask] == 0).all()
    shading = 1 if maps is None else torch.linalg.vector_norm(maps, dim=0)
    torch.testing.assert_close(signal, torch.polar(image, phase.expand_as(image)) * shading)
    whole, _ = acquire(image, torch.ones(size), phase, maps)
    torch.testing.assert_close(whole.adjoint(), signal, rtol=0, atol=1e-5)
    if maps is not None:  # each coil's own image, and maps as they are estimated
        torch.testing.assert_close(ifft2c(whole.kspace)[1], torch.polar(image[1], phase) * maps, rtol=0, atol=1e-5)
        torch.testing.assert_close(torch.linalg.vector_norm(data.maps, dim=0), torch.ones(size))


@pytest.mark.parametrize("coils", [1, 4])
def test_the_noise_is_white_and_as_strong_as_stated(coils):
    image, sigma = phantom(40, SIZE), 0.3
    mask = sampling_mask("gaussian1d", SIZE, 0.5, seed=0)
    maps = biot_savart_maps(SIZE, coils)
    data, signal = acquire(image, mask, None, maps, sigma, rng())
    noise = data.kspace - data.operator.forward(signal)
    assert (noise[..., ~mask] == 0).all()
    assert data.noise_std == sigma
    samples = noise.transpose(0, 1)[..., mask].flatten(1)
    for part in (samples.real, samples.imag):
        assert ((part.std(dim=1) / sigma - 1).abs() < 4 / (2 * part.shape[1]) ** 0.5).all()
    whitened = torch.cat((samples.real, samples.imag)) / sigma
    covariance = whitened @ whitened.T / whitened.shape[1]
    assert (covariance - torch.eye(2 * coils)).abs().max() < 5 / whitened.shape[1] ** 0.5
    chi_squared = noise[..., mask].abs().square().mean().item() / (2 * sigma**2)
    assert chi_squared == pytest.approx(1, abs=0.02)
    again, _ = acquire(image, mask, None, maps, sigma, rng())
    assert torch.equal(again.kspace, data.kspace)


def test_snr_is_foreground_over_noise():
    image = torch.zeros(20, 20)
    image[5:15, 5:15], image[0, 0] = 0.8, 0.01  # the last one is background
    assert noise_std_for(image, 10) == pytest.approx(0.08)
    assert noise_std_for(image, float("inf")) == 0
    assert noise_std_for(torch.zeros(4, 4), 10) == 0
    for snr in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="SNR"):
            noise_std_for(image, snr)


@pytest.mark.parametrize("size", [SIZE, (47, 63)])
def test_real_images_are_completed_exactly(size):
    mask = sampling_mask("gaussian1d", size, 0.4, seed=0)
    data, signal = acquire(phantom(2, size), mask)
    known, factor = informed(data, real=True)
    assert factor is None
    assert torch.equal(known.mask[0], mask | mirror(mask))
    torch.testing.assert_close(known.operator.forward(signal), known.kspace, rtol=0, atol=1e-5)


@pytest.mark.parametrize("coils", [0, 3])
def test_an_estimated_phase_makes_the_object_nearly_real(coils):
    image, phase = phantom(2, SIZE), smooth_phase(SIZE, rng(1), order=2, strength=2.0)
    maps = biot_savart_maps(SIZE, coils) if coils else None
    data, signal = acquire(image, sampling_mask("gaussian1d", SIZE, 0.5, seed=0), phase, maps)
    known, factor = informed(data, phase=True, phase_width=0.04)
    rotated = signal * factor.conj()
    torch.testing.assert_close(known.operator.forward(rotated), data.kspace, rtol=0, atol=1e-5)
    assert torch.equal(known.kspace, data.kspace)
    assert rotated.imag.norm() < 0.15 * rotated.norm() < 0.5 * signal.imag.norm()


def test_phases():
    assert smooth_phase((33, 47), rng(), strength=2.5).abs().max().item() == pytest.approx(2.5, rel=1e-5)
    linear = smooth_phase((33, 47), rng(), order=1)
    for axis in (0, 1):
        torch.testing.assert_close(linear.diff(n=2, dim=axis).abs().max(), torch.tensor(0.0), rtol=0, atol=1e-4)
    fields = torch.stack([random_field((24, 24), 6, rng(seed)) for seed in range(200)])
    assert fields.mean().item() == pytest.approx(0, abs=0.05)
    assert 0.6 < fields.std().item() < 1.1
    finer = [random_field((64, 64), points, rng(0)).diff(dim=0).abs().mean() for points in (3, 8, 32)]
    assert finer[0] < finer[1] < finer[2]
    turns = [random_phase((32, 32), rng(seed)).std().item() for seed in range(60)]
    assert min(turns) < 0.5
    assert max(turns) > 1.0
    assert torch.equal(random_phase((32, 32), rng(3)), random_phase((32, 32), rng(3)))
