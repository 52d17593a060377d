"""Wasserstein losses, weight clipping and gradient penalty."""

import pytest
import torch
from torch import nn

from monai_gan_recon.losses import WassersteinLoss, clip_weights, gradient_penalty
from monai_gan_recon.networks.critic import ResNetCritic


class LinearCritic(nn.Module):
    """⟨w, x⟩ for an image x: its gradient is w everywhere."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x):
        return (x * self.weight).flatten(1).sum(1, keepdim=True)


class QuadraticCritic(nn.Module):
    """‖x‖²/2: its gradient is x itself, so that the penalty shows where it was taken."""

    def forward(self, x):
        return x.flatten(1).square().sum(1, keepdim=True) / 2


def unit_weight(shape=(1, 8, 9), dtype=torch.float64):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return weight / weight.norm()


def pair(shape=(3, 1, 8, 9), dtype=torch.float64):
    return torch.rand(2, *shape, generator=torch.Generator().manual_seed(1), dtype=dtype).unbind()


def test_losses():
    real, fake = torch.tensor([[1.0], [3.0]]), torch.tensor([[0.5], [-1.5]])
    loss = WassersteinLoss()
    assert loss.generator(fake).item() == 0.5
    assert loss.critic(real, fake).item() == -2.5


def test_losses_gradcheck():
    real, fake = torch.randn(2, 3, 1, dtype=torch.float64).requires_grad_().unbind()
    assert torch.autograd.gradcheck(WassersteinLoss().critic, (real, fake))
    assert torch.autograd.gradcheck(WassersteinLoss().generator, (fake,))


def test_half_precision_logits_are_averaged_in_float32():
    fake = torch.cat((torch.full((1, 1), 256.0), torch.ones(255, 1))).bfloat16()
    assert WassersteinLoss().generator(fake).item() == -(256 + 255) / 256


def test_clipping_bounds_weights_and_lipschitz_constant():
    """The layers' Frobenius norms, at most limit · √(number of weights), bound the gradient."""
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(20, 30), nn.LeakyReLU(0.2), nn.Linear(30, 1))
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.mul_(20)
    bound = (0.01 * (20 * 30) ** 0.5) * (0.01 * 30**0.5)
    x = torch.randn(50, 20, requires_grad=True)

    def steepest():
        return torch.autograd.grad(critic(x).sum(), x)[0].norm(dim=1).max().item()

    assert steepest() > bound
    clip_weights(critic, 0.01)
    assert max(p.abs().max().item() for p in critic.parameters()) == pytest.approx(0.01)
    assert 0 < steepest() <= bound


def test_clipping_leaves_small_weights():
    layer = nn.Linear(3, 1, bias=False)
    nn.init.constant_(layer.weight, 0.005)
    clip_weights(layer, 0.01)
    assert torch.equal(layer.weight, torch.full((1, 3), 0.005))
    with pytest.raises(ValueError, match="limit must be"):
        clip_weights(layer, 0.0)


def test_penalty_is_zero_for_a_linear_critic_of_unit_gradient():
    real, fake = pair()
    assert gradient_penalty(LinearCritic(unit_weight()), real, fake).item() == pytest.approx(0.0, abs=1e-25)


def test_penalty_value_and_gradient_for_a_linear_critic():
    """λ(‖w‖ − 1)² has the gradient 2λ(‖w‖ − 1) w/‖w‖."""
    critic = LinearCritic(3 * unit_weight())
    real, fake = pair()
    penalty = gradient_penalty(critic, real, fake, weight=5.0)
    assert penalty.item() == pytest.approx(5 * (3 - 1) ** 2)
    penalty.backward()
    torch.testing.assert_close(critic.weight.grad, 2 * 5 * (3 - 1) * unit_weight())


def test_penalty_is_taken_between_real_and_fake_one_point_a_sample():
    """On the way from 0 to a constant image of norm 1, the gradient's norm is the position itself."""
    real, fake = torch.ones(4, 1, 2, 2) / 2, torch.zeros(4, 1, 2, 2)
    torch.manual_seed(7)
    value = gradient_penalty(QuadraticCritic(), real, fake, 1.0)
    torch.manual_seed(7)
    position = torch.rand(4)
    assert value.item() == pytest.approx((position - 1).square().mean().item(), rel=1e-5)


def test_penalty_has_a_finite_gradient_where_the_critic_is_flat():
    critic = LinearCritic(torch.zeros(1, 8, 9, dtype=torch.float64))
    penalty = gradient_penalty(critic, *pair())
    penalty.backward()
    assert penalty.item() == 10.0
    assert critic.weight.grad.isfinite().all()


@pytest.mark.parametrize("options", [{}, {"norm": ("group", {"num_groups": 2})}])
def test_penalty_trains_the_resnet_critic(options):
    """Steps on the penalty alone bring the gradient's norm nearer to 1; nothing reaches the generator."""
    torch.manual_seed(0)
    critic = ResNetCritic(layers=(1, 1, 1, 1), width=2, **options)
    real, fake = (x.requires_grad_() for x in pair((2, 1, 33, 35), torch.float32))
    optimiser = torch.optim.Adam(critic.parameters(), lr=5e-3)
    values = []
    for _ in range(12):
        optimiser.zero_grad()
        torch.manual_seed(3)
        penalty = gradient_penalty(critic, real, fake, 1.0)
        penalty.backward()
        optimiser.step()
        values.append(penalty.item())
    assert values[-1] < 0.95 * values[0]
    assert real.grad is None
    assert fake.grad is None


def test_penalty_is_float32_under_autocast():
    critic = ResNetCritic(layers=(1, 1, 1, 1), width=2)
    real, fake = pair((2, 1, 33, 35), torch.float32)

    def value():
        torch.manual_seed(3)
        return gradient_penalty(critic, real, fake)

    expected = value()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = value()
    assert actual.dtype is torch.float32
    assert actual.item() == pytest.approx(expected.item(), rel=1e-6)
    half = gradient_penalty(critic, real.bfloat16(), fake.bfloat16())
    assert half.dtype is torch.float32


def test_penalty_refuses_batch_norm_and_unequal_shapes():
    real, fake = pair((2, 1, 33, 35), torch.float32)
    with pytest.raises(ValueError, match="couples samples"):
        gradient_penalty(ResNetCritic(layers=(1, 1, 1, 1), width=2, norm="batch"), real, fake)
    with pytest.raises(ValueError, match="one shape"):
        gradient_penalty(QuadraticCritic(), real, fake[:1])
