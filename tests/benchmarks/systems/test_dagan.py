"""DAGAN's generator and critic: their published sizes, the refinement, one size for the critic."""

import itertools

import pytest
import torch

from benchmarks.systems import DAGANCritic, DAGANGenerator, halvings


def test_the_published_network_has_98_million_parameters():
    """Eight levels of 64 to 512 channels down, 512 to 64 up: counted by hand from the 4x4 kernels of the source."""
    down, up = [1, 64, 128, 256, 512, 512, 512, 512, 512], [512, 1024, 1024, 1024, 256, 128, 64, 64]
    kernels = sum(16 * a * b for a, b in itertools.pairwise(down))
    inputs = [512] + [a + b for a, b in zip(up[:-1], down[7:0:-1], strict=True)]
    kernels += sum(16 * a * b for a, b in zip(inputs, up, strict=True))
    with torch.device("meta"):
        network = DAGANGenerator()
    weights = [p.numel() for n, p in network.named_parameters() if p.ndim == 4 and not n.startswith("head")]
    assert sum(weights) == kernels
    assert len(network.encoder) == len(network.decoder) == 8


@pytest.mark.parametrize(
    ("size", "levels"),
    [
        ((64, 128), 6),
        ((128, 256), 7),
        ((256, 256), 8),
        ((512, 512), 8),
        ((16, 300), 4),
        ((63, 64), 5),
        (None, 8),
    ],
)
def test_levels_fit_the_image(size, levels):
    assert halvings(size) == levels


def test_the_output_is_the_input_with_a_clipped_correction():
    network = DAGANGenerator(3, 4).eval()
    x = torch.rand(1, 1, 24, 40)
    with torch.no_grad():
        for parameter in network.head.parameters():
            parameter.zero_()
        torch.testing.assert_close(network(x), x)
        network.head.bias.fill_(0.25)
        wanted = (x + torch.tanh(torch.tensor(0.25)) / 2).clamp(0, 1)
        torch.testing.assert_close(network(x), wanted)
        assert network(x).max() == 1


def test_the_innermost_level_takes_one_image_of_one_pixel_in_training():
    assert DAGANGenerator(5, 4).train()(torch.rand(1, 1, 32, 32)).isfinite().all()


@pytest.mark.parametrize("size", [(16, 16), (64, 128), (65, 71)])
def test_critic_of_one_size(size):
    critic = DAGANCritic(size, width=4)
    x = torch.rand(2, 1, *size, requires_grad=True)
    logits = critic(x)
    assert logits.shape == (2, 1)
    logits.sum().backward()
    assert all(p.grad.abs().sum() > 0 for n, p in critic.named_parameters() if "fc" in n or "down.0" in n)
    with pytest.raises(ValueError, match="one size"):
        critic(torch.rand(2, 1, size[0] + 1, size[1]))


def test_critic_sees_places():
    """Flatten and dense: another image is the same features at another place, unlike with global pooling."""
    torch.manual_seed(0)
    critic = DAGANCritic((128, 128), width=4)
    x = torch.zeros(1, 1, 128, 128)
    x[..., :64, :64] = torch.rand(64, 64)
    with torch.no_grad():
        here, there = critic(torch.cat((x, x.roll(64, dims=-1))))
    assert (here - there).abs() > 1e-3


@pytest.mark.parametrize("arguments", [{"levels": 0}, {"levels": 9}, {"width": 0}])
def test_impossible_generators(arguments):
    with pytest.raises(ValueError, match="levels"):
        DAGANGenerator(**arguments)


@pytest.mark.parametrize("size", [(8, 64), (64,)])
def test_impossible_critics(size):
    with pytest.raises(ValueError, match="size"):
        DAGANCritic(size)
