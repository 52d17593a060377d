"""The cross-entropy form of the game."""

import pytest
import torch
from monai.losses import PatchAdversarialLoss

from monai_gan_recon.losses import BCEAdversarialLoss


def test_is_minus_log_sigmoid():
    real, fake = torch.tensor([[0.3], [-1.2]]), torch.tensor([[2.0], [-0.5]])
    loss = BCEAdversarialLoss()
    torch.testing.assert_close(loss.generator(fake), -fake.sigmoid().log().mean())
    expected = -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()
    torch.testing.assert_close(loss.critic(real, fake), expected)


def test_agrees_with_monai_where_its_sigmoid_does_not_saturate():
    fake = torch.linspace(-3, 3, 7)[:, None]
    monai_loss = PatchAdversarialLoss(criterion="bce")
    expected = monai_loss(fake, target_is_real=True, for_discriminator=False)
    torch.testing.assert_close(BCEAdversarialLoss().generator(fake), expected)


def test_gradient_does_not_vanish_for_a_confident_critic():
    fake = torch.tensor([[-200.0]], requires_grad=True)
    BCEAdversarialLoss().generator(fake).backward()
    assert fake.grad.item() == pytest.approx(-1.0)


def test_undecided_critic():
    zero = torch.zeros(4, 1)
    assert BCEAdversarialLoss().critic(zero, zero).item() == pytest.approx(2 * torch.tensor(2.0).log().item())


def test_gradcheck():
    real, fake = torch.randn(2, 3, 1, dtype=torch.float64).requires_grad_().unbind()
    assert torch.autograd.gradcheck(BCEAdversarialLoss().critic, (real, fake))
    assert torch.autograd.gradcheck(BCEAdversarialLoss().generator, (fake,))
