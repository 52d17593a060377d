"""The critic: any size, MONAI's trunk, second derivatives, sane activations."""

import pytest
import torch
from monai.networks.nets import ResNet
from monai.networks.nets.resnet import resnet50

from monai_gan_recon.networks.critic import ResNetCritic

SMALL = {"layers": (1, 1, 1, 1), "width": 4}
GROUP = ("group", {"num_groups": 4})


def small(**options):
    torch.manual_seed(0)
    return ResNetCritic(**{**SMALL, **options})


@pytest.mark.parametrize("size", [(16, 16), (17, 16), (65, 71), (64, 128), (181, 217)])
@pytest.mark.parametrize("norm", [None, GROUP, "batch"])
def test_one_logit_for_any_size(size, norm):
    logits = small(norm=norm)(torch.rand(2, 1, *size))
    assert logits.shape == (2, 1)
    assert logits.isfinite().all()


def test_logits_are_not_squashed():
    critic = small()
    with torch.no_grad():
        critic.fc.bias.fill_(7.0)
    assert critic(torch.rand(1, 1, 32, 32)).item() > 1.0


def test_global_average_pooling_ignores_repetition():
    """Inside a constant image all features are alike at any size; only the share of the border differs."""
    critic = small().eval()
    with torch.no_grad():
        logits = [critic(torch.full((1, 1, n, n), 0.5)).item() for n in (256, 512, 1024)]
    assert abs(logits[2] - logits[1]) < abs(logits[1] - logits[0])


def test_trunk_is_monais_resnet():
    monai_net = ResNet(
        "bottleneck", [1, 2, 1, 1], [4, 8, 16, 32], spatial_dims=2, n_input_channels=2, conv1_t_stride=2,
        num_classes=1, bias_downsample=False,
    )  # fmt: skip
    critic = ResNetCritic(2, layers=(1, 2, 1, 1), width=4, norm="batch", act="relu")
    critic.load_state_dict(monai_net.state_dict(), strict=True)
    x = torch.rand(2, 2, 65, 71)
    torch.testing.assert_close(critic.eval()(x), monai_net.eval()(x))


def test_parameter_count_of_resnet50():
    reference = resnet50(
        pretrained=False,
        spatial_dims=2,
        n_input_channels=1,
        conv1_t_stride=2,
        num_classes=1,
        bias_downsample=False,
    )
    with_norm = sum(p.numel() for p in reference.parameters())
    scales = sum(m.weight.numel() for m in reference.modules() if isinstance(m, torch.nn.BatchNorm2d))
    assert with_norm == 23_508_032 - 2 * 64 * 49 + 2049  # torchvision's trunk, two input channels less, the dense unit
    with torch.device("meta"):
        assert sum(p.numel() for p in ResNetCritic(norm="batch").parameters()) == with_norm
        assert sum(p.numel() for p in ResNetCritic().parameters()) == with_norm - scales  # one bias a channel, no scale


@pytest.mark.parametrize("act", [("leakyrelu", {"negative_slope": 0.2}), "relu", ("relu", {"inplace": True})])
@pytest.mark.parametrize("options", [{}, {"norm": GROUP}])
def test_second_derivatives_match_finite_differences(act, options):
    critic = small(act=act, **options).double().eval()
    x = torch.rand(2, 1, 33, 35, dtype=torch.float64, requires_grad=True)

    def squared_gradient_norm():
        (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        return gradient.square().sum()

    parameters = list(critic.parameters())
    gradients = torch.autograd.grad(squared_gradient_norm(), parameters, allow_unused=True)
    gradients = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, gradients, strict=True)]
    directions = [torch.randn_like(p) for p in parameters]
    expected = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True)).item()
    values = []
    step = 1e-8
    for sign in (1, -2):
        with torch.no_grad():
            for p, d in zip(parameters, directions, strict=True):
                p.add_(d, alpha=sign * step)
        values.append(squared_gradient_norm().item())
    assert expected != 0.0
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(expected, rel=1e-3)


def test_activation_reaches_every_block():
    critic = small(act=("leakyrelu", {"negative_slope": 0.3}))
    slopes = [m.negative_slope for m in critic.modules() if isinstance(m, torch.nn.LeakyReLU)]
    assert slopes == [0.3] * 5
    assert not any(isinstance(m, torch.nn.ReLU) for m in critic.modules())


def test_couples_samples_only_with_batch_norm():
    x = torch.rand(3, 1, 64, 64)
    for norm, coupled in ((None, False), (GROUP, False), ("instance", False), ("batch", True)):
        critic = small(norm=norm)
        assert critic.couples_samples is coupled
        alone, together = critic(x[:1]), critic(x)[:1]
        assert torch.allclose(alone, together, atol=1e-5) is not coupled


def test_not_homogeneous_without_norm():
    """The biases let the critic learn more than a multiple of the brightness."""
    critic = small()
    assert sum(p.ndim == 1 for p in critic.parameters()) == 1 + 4 * (3 + 1) + 1
    torch.nn.init.normal_(critic.layer1[0].conv2.bias)
    x = torch.rand(1, 1, 32, 32)
    assert not torch.allclose(critic(2 * x), 2 * critic(x), rtol=1e-2)


@pytest.mark.parametrize("options", [{}, {"norm": GROUP}])
def test_activations_keep_their_scale_at_full_depth(options):
    torch.manual_seed(0)
    critic = ResNetCritic(width=8, **options)
    rms = []
    for stage in (critic.layer1, critic.layer2, critic.layer3, critic.layer4):
        stage.register_forward_hook(lambda _m, _i, out: rms.append(out.square().mean().sqrt().item()))
    logits = critic(torch.rand(4, 1, 64, 64))
    assert all(0.1 < value < 10 for value in rms)
    assert logits.abs().max() < 10


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({}, (1, 1, 15, 64), "at least 16x16, got 15x64"),
        ({}, (1, 3, 64, 64), r"expected images \(B, 1, H, W\)"),
        ({}, (1, 64, 64), r"expected images \(B, 1, H, W\)"),
        ({"norm": "instance"}, (2, 1, 32, 32), "instance norm needs images above 32"),
        ({"norm": "batch"}, (1, 1, 16, 16), "batch norm with a batch of one"),
    ],
)
def test_bad_images_get_one_clear_line(options, shape, message):
    with pytest.raises(ValueError, match=message) as error:
        small(**options)(torch.rand(shape))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "options",
    [{"in_channels": 0}, {"layers": (1, 1, 1)}, {"layers": (1, 0, 1, 1)}, {"width": 0}, {"width": 10**6}],
)  # fmt: skip
def test_bad_arguments(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        small(**options)
