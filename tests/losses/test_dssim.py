"""DSSIM: against scikit-image, its gradient, sizes below the window."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from monai_gan_recon.losses import DSSIMLoss


def images(size=(20, 23)):
    rng = np.random.default_rng(0)
    target = rng.random(size, dtype=np.float32)
    return np.clip(target + 0.2 * rng.standard_normal(size, dtype=np.float32), 0, 1), target


def test_value_against_scikit_image():
    pred, target = images()
    ssim = structural_similarity(
        pred, target, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    value = DSSIMLoss()(torch.from_numpy(pred)[None, None], torch.from_numpy(target)[None, None])
    assert value.item() == pytest.approx((1 - ssim) / 2, abs=1e-5)


def test_constant_images_have_only_the_luminance_term():
    value = DSSIMLoss()(torch.full((1, 1, 16, 16), 0.2), torch.full((1, 1, 16, 16), 0.6))
    luminance = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert value.item() == pytest.approx((1 - luminance) / 2, abs=1e-3)


def test_directional_derivative():
    pred, target = (torch.from_numpy(image)[None, None] for image in images())
    direction = torch.randn(pred.shape, generator=torch.Generator().manual_seed(1))
    pred.requires_grad_()
    loss = DSSIMLoss()
    (gradient,) = torch.autograd.grad(loss(pred, target), pred)
    step = 1e-2
    with torch.no_grad():
        slope = (loss(pred + step * direction, target) - loss(pred - step * direction, target)) / (2 * step)
    assert slope.item() == pytest.approx((gradient * direction).sum().item(), rel=1e-2)


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_identical_images(value):
    pred = torch.full((2, 1, 11, 11), value, requires_grad=True)
    loss = DSSIMLoss()(pred, pred.detach())
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    assert pred.grad.abs().max() < 1e-5


def test_bfloat16_autocast_keeps_float32():
    pred, target = (torch.from_numpy(image)[None, None] for image in images())
    expected = DSSIMLoss()(pred, target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert DSSIMLoss()(pred, target).item() == pytest.approx(expected.item(), rel=1e-6)


def test_errors():
    with pytest.raises(ValueError, match="at least 11x11"):
        DSSIMLoss()(torch.rand(1, 1, 10, 32), torch.rand(1, 1, 10, 32))
    with pytest.raises(ValueError, match="expected images"):
        DSSIMLoss()(torch.rand(1, 32, 32), torch.rand(1, 32, 32))
    with pytest.raises(ValueError, match="one shape"):
        DSSIMLoss()(torch.rand(1, 1, 32, 32), torch.rand(2, 1, 32, 32))
