"""The high-frequency error norm, by analysis."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.nn import functional as F

from monai_gan_recon.metrics import hfen, log_filter


def test_filter_is_a_laplacian():
    x = torch.arange(40.0)
    parabola = (0.5 * x.square()[None, :] + 1.5 * x.square()[:, None] + 3 * x)[None, None]
    response = F.conv2d(parabola.double(), log_filter().double()[None, None])
    torch.testing.assert_close(response, torch.full_like(response, 4), rtol=0.01, atol=0)  # f_xx + f_yy
    assert log_filter().sum().abs() < 1e-6


def test_filter_is_scipys_in_shape():
    impulse = np.zeros((15, 15))
    impulse[7, 7] = 1
    expected = ndimage.gaussian_laplace(impulse, 1.5, mode="constant", truncate=5)
    assert np.corrcoef(expected.ravel(), log_filter().numpy().ravel())[0, 1] > 0.995


def test_norm_of_the_filtered_images():
    image, reference = torch.rand(2, 3, 1, 21, 34, generator=torch.Generator().manual_seed(0))
    error, detail = (
        F.conv2d(x, log_filter()[None, None], padding=7).flatten(1).norm(dim=1) for x in (image - reference, reference)
    )
    torch.testing.assert_close(hfen(image, reference), error / detail, rtol=1e-4, atol=0)


def test_relative_error_of_a_scaled_image():
    reference = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    image = reference * torch.tensor([0.9, 1.0])[:, None, None, None]
    torch.testing.assert_close(hfen(image, reference), torch.tensor([0.1, 0.0]), atol=1e-5, rtol=0)


def test_blurring_costs_more_than_a_smooth_error_of_the_same_size():
    reference = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    blurred = F.avg_pool2d(reference, 3, 1, 1)
    bump = torch.exp(-torch.linspace(-3, 3, 64).square())
    smooth = (bump[:, None] * bump[None, :]).expand_as(reference)
    smooth = smooth / smooth.norm() * (blurred - reference).norm()
    assert hfen(blurred, reference) > 2 * hfen(reference + smooth, reference)


def test_reference_without_detail_is_undefined():
    assert hfen(torch.ones(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)).isnan().all()


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="slices"):
        hfen(torch.zeros(16, 16), torch.zeros(16, 16))
