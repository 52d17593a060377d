"""The error relative to the zero-filled image's: its value, what it sees, its gradients."""

import math

import pytest
import torch

from monai_gan_recon.losses import RelativeErrorLoss


def images(samples=2, size=(48, 40), dtype=torch.float32):
    """Reference (complex, with empty background) and zero-filled image."""
    generator = torch.Generator().manual_seed(0)
    target, error = (torch.randn(samples, 2, *size, generator=generator, dtype=dtype) for _ in range(2))
    target[..., :24, :] = 0
    return target, target + 0.3 * error


def test_the_zero_filled_image_has_log_one_plus_epsilon():
    target, zero_filled = images()
    value = RelativeErrorLoss()(zero_filled, target, zero_filled)
    assert value.item() == pytest.approx(math.log(1.02), rel=1e-5)


@pytest.mark.parametrize("fraction", [0.5, 0.01, 0.0])
def test_a_fraction_of_its_error_is_the_logarithm_of_the_fraction(fraction):
    """Of the complex terms; that of the magnitude is a fraction of its own."""
    target, zero_filled = images(1)
    pred = target + fraction * (zero_filled - target)
    value = RelativeErrorLoss()(pred, target, zero_filled).item()
    strength, found = (torch.linalg.vector_norm(x, dim=1) for x in (target, pred))
    around = torch.nn.functional.avg_pool2d(strength[None], 11, 1, 5, count_include_pad=False)[0]
    head = around > 0.08 * strength.max()
    zero = torch.linalg.vector_norm(zero_filled, dim=1)
    ratio = ((found - strength)[head].norm() / (zero - strength)[head].norm()).item()
    wanted = (2 * math.log(fraction + 0.02) + math.log(ratio + 0.02)) / 3
    assert value == pytest.approx(wanted, rel=1e-4)


def test_a_factor_on_all_three_changes_nothing():
    target, zero_filled = images()
    pred = 0.7 * target + 0.3 * zero_filled
    loss = RelativeErrorLoss()
    torch.testing.assert_close(loss(8 * pred, 8 * target, 8 * zero_filled), loss(pred, target, zero_filled))


def test_a_wrong_phase_costs_in_the_complex_terms_only():
    """The magnitude is right: two terms of three count, the third is at its floor, log(epsilon)."""
    target, zero_filled = images(1)
    angle = 0.3
    turned = torch.stack(
        (
            math.cos(angle) * target[:, 0] - math.sin(angle) * target[:, 1],
            math.sin(angle) * target[:, 0] + math.cos(angle) * target[:, 1],
        ),
        dim=1,
    )
    loss = RelativeErrorLoss()
    best = loss(target, target, zero_filled).item()
    assert best == pytest.approx(math.log(0.02), rel=1e-5)
    value = loss(turned, target, zero_filled).item()
    assert value > best + 0.5
    norm = (turned - target).norm() / (zero_filled - target).norm()
    head = (turned - target)[..., 24:, :].norm() / (zero_filled - target)[..., 24:, :].norm()
    rest = 3 * value - math.log(norm + 0.02) - math.log(0.02)
    assert rest == pytest.approx(math.log(head + 0.02), abs=0.1)  # but for the rim of the head


def test_errors_outside_the_head_cost_less():
    target, zero_filled = images(1)
    error = torch.zeros_like(target)
    losses = []
    for rows in (slice(0, 10), slice(34, 44)):
        spoiled = error.clone()
        spoiled[:, :, rows] = 0.2
        losses.append(RelativeErrorLoss()(target + spoiled, target, zero_filled).item())
    assert losses[0] < losses[1] - 1


@pytest.mark.parametrize("reference", ["truth", "zero_filled", "empty"])
def test_gradients_are_finite_also_without_error(reference):
    target, zero_filled = images()
    if reference == "empty":
        target, zero_filled = torch.zeros_like(target), torch.zeros_like(zero_filled)
    pred = (zero_filled if reference == "zero_filled" else target).clone().requires_grad_()
    value = RelativeErrorLoss()(pred, target, zero_filled)
    value.backward()
    assert value.isfinite()
    assert pred.grad.isfinite().all()
    if reference == "zero_filled":  # along the error it falls
        step = pred.detach() - 1e-2 * (zero_filled - target)
        assert RelativeErrorLoss()(step, target, zero_filled) < value
        assert (pred.grad * (zero_filled - target)).sum() > 0


def test_gradcheck():
    target, zero_filled = images(2, (12, 12), torch.float64)
    target, zero_filled = target + 2, zero_filled + 2
    pred = (0.5 * target + 0.5 * zero_filled).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: RelativeErrorLoss()(p, target, zero_filled), (pred,))


def test_errors():
    with pytest.raises(ValueError, match="shapes"):
        RelativeErrorLoss()(torch.zeros(2, 2, 16, 16), torch.zeros(1, 2, 16, 16), torch.zeros(2, 2, 16, 16))
