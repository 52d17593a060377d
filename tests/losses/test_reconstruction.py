"""The weighted sum of the image losses, on complex images."""

import pytest
import torch

from monai_gan_recon.losses import DSSIMLoss, FrequencyLoss, NRMSELoss, ReconstructionLoss, RelativeErrorLoss
from monai_gan_recon.measurement import magnitude


def images(shape=(2, 2, 16, 17), dtype=torch.float32):
    """Reconstruction, reference, and network input of one coil, a block of columns measured."""
    generator = torch.Generator().manual_seed(5)
    pred, target, adjoint = (0.7 * torch.rand(3, *shape, generator=generator, dtype=dtype)).unbind()
    rest = torch.zeros_like(adjoint)
    rest[:, 0, :, shape[-1] // 2 - 2 : shape[-1] // 2 + 3] = 1
    return pred, target, torch.cat((adjoint, rest), dim=1)


def test_weighted_sum():
    """All terms compare magnitudes but the relative error, which is given the zero-filled image."""
    pred, target, x = images()
    a, b = magnitude(pred), magnitude(target)
    expected = (
        2 * NRMSELoss()(a, b)
        + 0.5 * FrequencyLoss()(a, b)
        + 3 * (a - b).abs().mean()
        + 4 * DSSIMLoss()(a, b)
        + 5 * (a - b).square().mean()
        + 6 * RelativeErrorLoss()(pred, target, x[:, :2])
    )
    loss = ReconstructionLoss(a=2, b=0.5, l1=3, dssim=4, mse=5, relative=6)
    torch.testing.assert_close(loss(pred, target, x), expected)


def test_defaults_are_dagans_and_blind_to_phase():
    pred, target, x = images()
    a, b = magnitude(pred), magnitude(target)
    expected = 15 * NRMSELoss()(a, b) + 0.1 * FrequencyLoss()(a, b)
    torch.testing.assert_close(ReconstructionLoss()(pred, target, x), expected)
    turned = torch.stack((-pred[:, 1], pred[:, 0]), dim=1)
    torch.testing.assert_close(ReconstructionLoss()(turned, target, x), expected)
    complex_loss = ReconstructionLoss(a=0, b=0, relative=1)
    assert complex_loss(turned, target, x) > complex_loss(pred, target, x) + 0.1


def test_terms_are_unweighted_and_detached():
    pred, target, x = images()
    pred.requires_grad_()
    total, terms = ReconstructionLoss(a=2, b=0, l1=3, relative=1).with_terms(pred, target, x)
    assert set(terms) == {"nrmse", "l1", "relative"}
    assert total.requires_grad
    assert not any(term.requires_grad for term in terms.values())
    torch.testing.assert_close(total.detach(), 2 * terms["nrmse"] + 3 * terms["l1"] + terms["relative"])


def test_terms_of_weight_zero_are_not_computed():
    """An image below SSIM's window would fail if they were."""
    pred, target, x = images((1, 2, 8, 8))
    assert ReconstructionLoss(dssim=0)(pred, target, x).isfinite()
    with pytest.raises(ValueError, match="DSSIM"):
        ReconstructionLoss(dssim=1)(pred, target, x)


def test_gradcheck():
    pred, target, x = images((2, 2, 4, 5), torch.float64)
    loss = ReconstructionLoss(l1=1, relative=1)
    assert torch.autograd.gradcheck(lambda p: loss(p, target, x), (pred.requires_grad_(),))


def test_gradient_at_identical_and_at_empty_images_is_finite():
    _, target, x = images((1, 2, 16, 16))
    loss = ReconstructionLoss(l1=1, dssim=1, relative=1, frequency_mode="amplitude")
    for pred in (target.clone(), torch.zeros_like(target)):
        (gradient,) = torch.autograd.grad(loss(pred.requires_grad_(), target, x), pred)
        assert gradient.isfinite().all()
    total, terms = loss.with_terms(target, target, x)
    assert (total - terms["relative"]).item() == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("weights", [{"a": 0, "b": 0}, {"a": -1}, {"l1": float("nan")}, {"relative": -1}])
def test_bad_weights(weights):
    with pytest.raises(ValueError, match="weights"):
        ReconstructionLoss(**weights)


def test_shapes_must_agree():
    pred, target, x = images()
    with pytest.raises(ValueError, match="one shape"):
        ReconstructionLoss(a=0, b=0, l1=1)(pred, target[:1], x)
