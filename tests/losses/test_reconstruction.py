"""The weighted sum of the image losses."""

import pytest
import torch

from monai_gan_recon.losses import DSSIMLoss, FrequencyLoss, NRMSELoss, ReconstructionLoss


def images(shape=(2, 1, 16, 17), dtype=torch.float32):
    return torch.rand(2, *shape, generator=torch.Generator().manual_seed(5), dtype=dtype).unbind()


def test_weighted_sum():
    pred, target = images()
    expected = (
        2 * NRMSELoss()(pred, target)
        + 0.5 * FrequencyLoss()(pred, target)
        + 3 * (pred - target).abs().mean()
        + 4 * DSSIMLoss()(pred, target)
        + 5 * (pred - target).square().mean()
    )
    loss = ReconstructionLoss(a=2, b=0.5, l1=3, dssim=4, mse=5)
    torch.testing.assert_close(loss(pred, target), expected)


def test_defaults_are_dagans():
    pred, target = images()
    expected = 15 * NRMSELoss()(pred, target) + 0.1 * FrequencyLoss()(pred, target)
    torch.testing.assert_close(ReconstructionLoss()(pred, target), expected)


def test_mask_reaches_the_frequency_loss():
    pred, target = images()
    mask = torch.zeros(2, 1, 16, 17)
    mask[..., 6:11] = 1
    loss = ReconstructionLoss(a=0, b=1, frequency_mode="unmeasured", unmeasured_weight=3)
    torch.testing.assert_close(loss(pred, target, mask), FrequencyLoss("unmeasured", 3)(pred, target, mask))


def test_terms_are_unweighted_and_detached():
    pred, target = images()
    pred.requires_grad_()
    loss = ReconstructionLoss(a=2, b=0, l1=3)
    total, terms = loss.with_terms(pred, target)
    assert set(terms) == {"nrmse", "l1"}
    assert total.requires_grad
    assert not any(term.requires_grad for term in terms.values())
    torch.testing.assert_close(total.detach(), 2 * terms["nrmse"] + 3 * terms["l1"])
    torch.testing.assert_close(loss.terms(pred, target), terms)


def test_terms_of_weight_zero_are_not_computed():
    """An image below SSIM's window, and no mask: both would fail if they were."""
    pred, target = images((1, 1, 8, 8))
    assert ReconstructionLoss(b=0, dssim=0, frequency_mode="unmeasured")(pred, target).isfinite()
    with pytest.raises(ValueError, match="DSSIM"):
        ReconstructionLoss(dssim=1)(pred, target)


def test_gradcheck():
    pred, target = images((2, 1, 4, 5), torch.float64)
    loss = ReconstructionLoss(l1=1)
    assert torch.autograd.gradcheck(lambda p: loss(p, target), (pred.requires_grad_(),))


def test_gradient_at_identical_images_is_finite():
    pred = torch.rand(1, 1, 16, 16, requires_grad=True)
    loss = ReconstructionLoss(l1=1, dssim=1, frequency_mode="amplitude")(pred, pred.detach())
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-5)
    assert pred.grad.isfinite().all()


@pytest.mark.parametrize("weights", [{"a": 0, "b": 0}, {"a": -1}, {"l1": float("nan")}])
def test_bad_weights(weights):
    with pytest.raises(ValueError, match="weights must be at least 0"):
        ReconstructionLoss(**weights)


def test_shapes_must_agree():
    pred, target = images()
    with pytest.raises(ValueError, match="one shape"):
        ReconstructionLoss(a=0, b=0, l1=1)(pred, target[:1])
