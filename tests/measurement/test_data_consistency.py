"""Data consistency: exact for one coil, by conjugate gradients for several."""

import pytest
import torch
from dense_problems import coil_maps, complex_randn, mask_of

from monai_gan_recon.measurement import (
    KData,
    data_consistency,
    fft2c,
    from_channels,
    kspace_residual,
    normal_operator,
    to_channels,
)
from monai_gan_recon.simulation import biot_savart_maps


def problem(size, coils=0, kind="columns", dtype=torch.complex128, rate=0.3):
    """Measurement of a random image and another random image."""
    mask, maps = mask_of(kind, size, rate), coil_maps(coils, size, dtype=dtype)
    truth, estimate = (complex_randn(1, *size, seed=s, dtype=dtype) for s in (0, 1))
    data = KData(fft2c(truth[:, None] if maps is None else maps * truth[:, None]) * mask, mask, maps)
    return data, to_channels(estimate)


def consistent(data, estimate, noise_variance=0.0, prior_variance=1.0, iterations=8):
    variances = [torch.full((1, 1, 1, 1), v, dtype=estimate.dtype) for v in (noise_variance, prior_variance)]
    normal = normal_operator(data.mask, data.maps)
    return data_consistency(estimate, to_channels(data.adjoint()), normal, *variances, iterations)


@pytest.mark.parametrize("size", [(32, 32), (33, 46)])
@pytest.mark.parametrize("noise", [0.0, 0.5, 3.0])
def test_samples_are_means_weighted_by_their_variances(size, noise):
    data, estimate = problem(size)
    result = fft2c(from_channels(consistent(data, estimate, noise**2, 0.25)))
    weight = 0.25 / (0.25 + noise**2)
    old, measured = fft2c(from_channels(estimate)), data.kspace[:, 0]
    wanted = torch.where(data.mask[:, 0], weight * measured + (1 - weight) * old, old)
    torch.testing.assert_close(result, wanted)


@pytest.mark.parametrize("coils", [0, 1])
def test_measured_samples_are_exact_in_single_precision(coils):
    """One coil, without and with a phase in its map."""
    data, estimate = problem((256, 256), coils, dtype=torch.complex64)
    normal = normal_operator(data.mask, data.maps)
    assert kspace_residual(from_channels(estimate), data.adjoint(), normal) > 0.5
    once = consistent(data, estimate)
    assert kspace_residual(from_channels(once), data.adjoint(), normal) < 1e-5
    torch.testing.assert_close(consistent(data, once), once, rtol=0, atol=1e-5)


@pytest.mark.parametrize("prior_variance", [1.0, 1e-6])
@pytest.mark.parametrize("coils", [2, 4, 8])
def test_several_coils_become_consistent(coils, prior_variance):
    """Of smooth coils, relative to the measurement; however small the variances are in their units."""
    size = (64, 64)
    maps = biot_savart_maps(size, coils)[None]
    maps = maps / torch.linalg.vector_norm(maps, dim=1, keepdim=True)
    mask = mask_of("columns", size, 0.25)
    truth = torch.nn.functional.interpolate(torch.rand(1, 1, 6, 6), size=size, mode="bicubic")[:, 0] + 0j
    data = KData(fft2c(maps * truth[:, None]) * mask, mask, maps)
    estimate = to_channels(truth + 0.05 * complex_randn(1, *size))
    normal = normal_operator(mask, maps)
    residuals = [
        kspace_residual(
            from_channels(consistent(data, estimate, 0.0, prior_variance, n)), data.adjoint(), normal
        ).item()
        for n in (0, 8, 64)
    ]
    assert residuals[1] < 0.2 * residuals[0]
    assert residuals[2] < 2e-4


def test_a_consistent_image_stays_as_it_is():
    """Also for many steps: what rounding leaves is not chased into what was not measured."""
    data, _ = problem((64, 64), 4, dtype=torch.complex64)
    truth = to_channels(complex_randn(1, 64, 64, seed=0))
    torch.testing.assert_close(consistent(data, truth, 0.0, 1e-4, 100), truth, rtol=0, atol=1e-4)


@pytest.mark.parametrize("coils", [0, 2])
def test_gradient(coils):
    data, estimate = problem((6, 7), coils)
    variances = torch.tensor([0.1, 0.3], dtype=torch.float64, requires_grad=True)
    normal, adjoint = (
        normal_operator(data.mask, data.maps),
        to_channels(data.adjoint()).clone().requires_grad_(),
    )
    assert torch.autograd.gradcheck(
        lambda e, a, v: data_consistency(e, a, normal, v[0].view(1, 1, 1, 1), v[1].view(1, 1, 1, 1), 3),
        (estimate.clone().requires_grad_(), adjoint, variances),
    )
