"""The loss of measured samples."""

import pytest
import torch

from monai_gan_recon.losses import MeasuredLoss
from monai_gan_recon.measurement import (
    fft2c,
    from_channels,
    hold_out,
    ifft2c,
    pack,
    sampling_mask,
    to_channels,
)
from monai_gan_recon.simulation import acquire


def measurements(samples=2, size=(32, 48)):
    torch.manual_seed(0)
    masks = [sampling_mask("gaussian1d", size, 0.4, seed=i) for i in range(samples)]
    return torch.stack([pack(acquire(torch.rand(*size), mask)[0]) for mask in masks])


def spectrum(x):
    return fft2c(from_channels(x[:, :2]))


def test_what_was_measured_costs_nothing():
    target = measurements()
    pred = target[:, :2].clone().requires_grad_()
    loss = MeasuredLoss()(pred, target)
    loss.backward()
    assert loss < 1e-5
    assert pred.grad.isfinite().all()


def test_samples_that_were_not_measured_are_free_but_for_their_price():
    target = measurements()
    hidden = torch.randn(2, 32, 48, dtype=torch.complex64) * (target[:, 2] == 0)
    pred = target[:, :2] + to_channels(ifft2c(hidden))
    assert MeasuredLoss(unmeasured=0.0)(pred, target) < 1e-4
    total, terms = MeasuredLoss(unmeasured=0.1).with_terms(pred, target)
    norms = [torch.view_as_real(k).abs().sum((1, 2, 3)) for k in (hidden, spectrum(target))]
    torch.testing.assert_close(terms["unmeasured"], (norms[0] / norms[1]).mean())
    torch.testing.assert_close(total, 0.1 * terms["unmeasured"], rtol=0, atol=1e-4)


def test_held_out_lines_are_what_is_asked_for():
    target = measurements()
    pred = hold_out(target, 0.5)[:, :2]
    missing = spectrum(target) - spectrum(pred)
    wanted = (missing.abs().square().sum((1, 2)) / spectrum(target).abs().square().sum((1, 2))).sqrt().mean()
    _, terms = MeasuredLoss().with_terms(pred, target)
    torch.testing.assert_close(terms["measured_l2"], wanted)
    assert terms["measured_l1"] > 0


@pytest.mark.parametrize(
    "shapes", [((2, 1, 16, 16), (2, 4, 16, 16)), ((2, 2, 16, 16), (2, 6, 16, 16)), ((2, 2, 16), (2, 4, 16))]
)
def test_other_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match="measured loss"):
        MeasuredLoss()(*(torch.zeros(shape) for shape in shapes))


def test_a_negative_price_is_refused():
    with pytest.raises(ValueError, match="unmeasured"):
        MeasuredLoss(-1.0)
