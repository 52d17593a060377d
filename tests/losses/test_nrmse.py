"""NRMSE: eq. 7 of the paper, its gradient, its edge cases."""

import pytest
import torch

from monai_gan_recon.losses import NRMSELoss


def test_known_values():
    target = torch.tensor([[[3.0, 4.0]], [[0.0, 2.0]]])  # norms 5 and 2
    pred = torch.tensor([[[3.0, 3.0]], [[2.0, 2.0]]])  # errors 1 and 2
    assert NRMSELoss()(pred, target).item() == pytest.approx((1 / 5 + 2 / 2) / 2)


@pytest.mark.parametrize("shape", [(2, 1, 16, 17), (2, 2, 5, 6, 7)])
def test_scale_invariant_and_one_for_an_empty_prediction(shape):
    pred, target = torch.rand(shape), torch.rand(shape)
    loss = NRMSELoss()
    torch.testing.assert_close(loss(3 * pred, 3 * target), loss(pred, target))
    assert loss(torch.zeros(shape), target).item() == pytest.approx(1.0)


def test_gradcheck():
    pred, target = torch.rand(2, 2, 1, 4, 5, dtype=torch.float64).requires_grad_().unbind()
    assert torch.autograd.gradcheck(NRMSELoss(), (pred, target))


def test_gradient_at_zero_error_is_zero():
    pred = torch.rand(2, 1, 8, 8, requires_grad=True)
    NRMSELoss()(pred, pred.detach()).backward()
    assert torch.equal(pred.grad, torch.zeros_like(pred))


def test_empty_target_is_finite_and_pulls_to_zero():
    pred = torch.full((1, 1, 8, 8), 0.02, requires_grad=True)
    value = NRMSELoss()(pred, torch.zeros(1, 1, 8, 8))
    value.backward()
    assert value.item() == pytest.approx(0.02 / 0.01)
    assert (pred.grad > 0).all()
    assert pred.grad.isfinite().all()


def test_half_precision_is_summed_in_float32():
    pred, target = torch.full((1, 1, 256, 256), 200.0), torch.full((1, 1, 256, 256), 100.0)
    assert NRMSELoss()(pred.half(), target.half()).item() == pytest.approx(1.0)


def test_errors():
    with pytest.raises(ValueError, match="one shape"):
        NRMSELoss()(torch.rand(2, 1, 8, 8), torch.rand(1, 1, 8, 8))
