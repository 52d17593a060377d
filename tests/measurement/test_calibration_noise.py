import math

import numpy as np
import pytest
import torch
from calibration_scans import SIZE, object_, signal, white

from monai_gan_recon.measurement import ifft2c, noise, sampling_mask
from monai_gan_recon.measurement.noise import (
    WHITENED_NOISE_STD,
    edge_noise,
    estimate_noise_std,
    noise_covariance,
    prewhiten,
)

CORNERS = (slice(0, 12), slice(-12, None))


def mixing(coils, seed=1):
    rng = np.random.default_rng(seed)
    mix = np.eye(coils) + 0.4 * (rng.normal(size=(coils, coils)) + 1j * rng.normal(size=(coils, coils)))
    return torch.from_numpy(np.diag(rng.uniform(0.5, 3, coils)) @ mix).to(torch.complex64)


def test_prewhitened_noise_is_white_and_of_the_stated_strength():
    mix = mixing(6)
    covariance = noise_covariance(mix @ white(6, 40_000))
    torch.testing.assert_close(covariance, (2 * mix @ mix.mH).to(torch.complex128), rtol=0.05, atol=0.3)
    scan = torch.einsum("vc,chw->vhw", mix, white(6, 64, 64, seed=2))
    result = prewhiten(scan[None], covariance)[0].flatten(1)
    assert (noise_covariance(result) - torch.eye(6)).abs().max() < 6 / math.sqrt(result.shape[1])
    assert float(result.real.std()) == pytest.approx(WHITENED_NOISE_STD, rel=0.02)
    assert result.dtype == torch.complex64


def test_whitening_matrix_inverts_the_covariance_exactly():
    mix = mixing(5).to(torch.complex128)
    covariance = mix @ mix.mH
    whitener = prewhiten(torch.eye(5, dtype=torch.complex128)[..., None], covariance)[..., 0]
    torch.testing.assert_close(whitener @ covariance @ whitener.mH, torch.eye(5, dtype=torch.complex128))


def test_robust_covariance_hardly_counts_samples_with_signal():
    mix = mixing(4)
    noise = mix @ white(4, 20_000)
    outlying = noise.clone()
    outlying[:, :2000] += 30 * white(1, 2000, seed=3)  # a tenth hold signal in all coils
    truth = 2 * mix @ mix.mH

    def error(covariance):
        return float(torch.linalg.matrix_norm(covariance - truth) / torch.linalg.matrix_norm(truth))

    assert error(noise_covariance(noise, robust=True)) < 0.05
    assert error(noise_covariance(outlying, robust=True)) < 0.25
    assert error(noise_covariance(outlying)) > 1


def test_covariance_from_the_edges_of_kspace_whitens_a_scan():
    mix = mixing(8)
    mask = sampling_mask("gaussian1d", SIZE, 0.4, seed=0)
    noise = torch.einsum("vc,schw->svhw", mix, white(3, 8, *SIZE, std=0.03))
    scan = (torch.einsum("vc,chw->vhw", mix, signal(8)) + noise) * mask
    covariance = noise_covariance(edge_noise(scan, mask[None, None]), robust=True)
    whitened = noise_covariance(prewhiten(noise, covariance).movedim(1, 0).flatten(1))
    before = noise_covariance(noise.movedim(1, 0).flatten(1)).diagonal().real
    assert before.max() > 10 * before.min()
    assert (whitened - torch.eye(8)).abs().max() < 0.2
    assert (whitened.diagonal().real - 1).abs().mean() < 0.1


def test_edge_noise_takes_the_outermost_measured_samples_and_no_zero_filling():
    size = (32, 32)
    y, x = (((torch.arange(32) - 16) / 16) ** 2 for _ in range(2))
    radius = y[:, None] + x
    kspace = torch.where(radius < 1, radius, 0).to(torch.complex64)[None]  # the corners are zero-filled
    mask = torch.ones(1, *size, dtype=torch.bool)
    edge = edge_noise(kspace, mask, fraction=0.5)
    measured = kspace[kspace != 0].abs()
    assert edge.shape == (1, round(0.5 * len(measured)))
    assert float(edge.abs().min()) >= float(measured.median()) - 1e-6
    assert float(edge.abs().max()) < 1


CASES = [
    (coils, pattern, rate)
    for coils in (1, 8)
    for pattern, rate in (("gaussian1d", 1.0), ("gaussian1d", 0.5), ("equispaced", 0.25), ("gaussian1d", 0.1))
] + [(8, "poisson", 0.1), (8, "gaussian2d", 0.1), (1, "poisson", 0.25)]


@pytest.mark.parametrize("snr", [3, 10, 30, 80])
@pytest.mark.parametrize(("coils", "pattern", "rate"), CASES)
def test_noise_is_estimated_within_15_percent_up_to_snr_30(coils, pattern, rate, snr):
    size = (256, 240)
    clean, image = signal(coils, size), object_(size).abs()
    std = float(image[image > 0.1].mean()) / snr
    mask = sampling_mask(pattern, size, rate, seed=5)
    scans = (clean + white(3, coils, *size, seed=snr, std=std)) * mask
    estimate = estimate_noise_std(scans, mask[None, None])
    assert estimate.shape == (3, 1, 1, 1)
    low, high = (0.85, 1.15) if snr <= 30 or coils > 1 else (0.8, 1.4)
    assert low < float(estimate.median()) / std < high


@pytest.mark.parametrize(("snr", "high"), [(3, 1.15), (10, 1.15), (30, 2.0)])
def test_one_coil_and_few_points_the_edges_bound_the_noise_from_above(snr, high):
    size = (256, 240)
    std = 0.5 / snr
    mask = sampling_mask("poisson", size, 0.1, seed=5)
    scan = (signal(1, size) + white(1, *size, std=std)) * mask
    assert 0.9 < float(estimate_noise_std(scan, mask[None])) / std < high


def test_scan_without_noise_has_next_to_none():
    for coils in (1, 8):
        scan = signal(coils, (256, 240))
        assert float(estimate_noise_std(scan, torch.ones(1, 1, 1, dtype=torch.bool))) < 1e-4


def test_dead_coils_equal_coils_and_other_counts_are_refused():
    noise = white(3, 1000)
    scan = white(1, 3, 8, 8)
    with pytest.raises(ValueError, match="coil 1 "):
        prewhiten(scan, noise_covariance(noise * torch.tensor([1, 0, 1])[:, None]))
    with pytest.raises(ValueError, match="singular"):
        prewhiten(scan, noise_covariance(noise[[0, 1, 1]]))
    with pytest.raises(ValueError, match="2 coils"):
        prewhiten(scan, noise_covariance(noise[:2]))
    with pytest.raises(ValueError, match="too few"):
        noise_covariance(noise[:, :6])
    with pytest.raises(ValueError, match="NaN"):
        noise_covariance(noise * math.nan)
    with pytest.raises(ValueError, match="no sample"):
        estimate_noise_std(torch.zeros(1, 8, 8, dtype=torch.complex64), torch.zeros(1, 8, 8, dtype=torch.bool))


def test_real_scans_noise_agrees_with_their_air(data_dir):
    kspace = np.fromfile(data_dir / "kspace/brain_8ch_full.cfl", np.complex64).reshape((8, 180, 230)).transpose(0, 2, 1)
    scan = torch.from_numpy(kspace.copy())
    image = ifft2c(scan)
    air = torch.cat([image[:, rows, columns].flatten() for rows in CORNERS for columns in CORNERS])
    in_air = math.sqrt(float(air.abs().square().median()) / math.log(2) / 2)
    for rate in (1.0, 0.5, 0.25, 0.1):
        mask = sampling_mask("gaussian1d", (230, 180), rate, seed=1)
        assert float(estimate_noise_std(scan * mask, mask[None])) == pytest.approx(in_air, rel=0.2)


def texture(size, seed=0):
    """k-space of an image that is texture from edge to edge, up to half of the highest frequency."""
    y, x = (torch.arange(n) - n // 2 for n in size)
    low = (y / size[0])[:, None].square() + (x / size[1]).square() < 0.25**2
    return white(*size, seed=seed) * low


def test_an_object_that_fills_the_frame_is_not_taken_for_noise():
    size, std = (256, 240), 0.02
    mask = sampling_mask("gaussian1d", size, 0.5, seed=5)
    scan = (texture(size)[None] + white(1, *size, seed=3, std=std)) * mask
    centre = scan[:, 96:160, 88:152]
    assert noise._noise_floor(noise.calibration_matrix(centre, (12, 12))) > 1.5 * std
    assert float(estimate_noise_std(scan, mask[None])) == pytest.approx(std, rel=0.15)


def test_a_filtered_scan_is_judged_by_its_centre():
    size, std = (256, 240), 0.05
    mask = sampling_mask("gaussian1d", size, 0.5, seed=5)
    y, x = ((torch.arange(n) - n // 2) / (n // 2) for n in size)
    radius = torch.hypot(y[:, None].expand(size), x.expand(size))
    taper = torch.sigmoid((0.9 - radius) / 0.05)  # Fermi filter
    scan = (signal(1, size) + white(1, *size, seed=3, std=std)) * mask * taper
    assert float(noise._noise_of(edge_noise(scan, mask[None]))) < 0.5 * std
    assert float(estimate_noise_std(scan, mask[None])) == pytest.approx(std, rel=0.15)
