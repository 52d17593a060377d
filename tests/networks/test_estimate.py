"""The network contract: complex where there is a phase, magnitude else."""

import torch
from torch import nn

from monai_gan_recon.networks import ResNetGenerator
from monai_gan_recon.networks.estimate import ComplexEstimator, estimate


def test_phase_where_there_is_one():
    network = ResNetGenerator(3, (1, 1), 4, stem="pixel_unshuffle").eval()
    x = torch.rand(1, 3, 16, 18)
    assert isinstance(network, ComplexEstimator)
    with torch.no_grad():
        torch.testing.assert_close(estimate(network, x), network.complex_estimate(x))


def test_magnitude_else():
    network, x = nn.Conv2d(3, 1, 1), torch.rand(1, 3, 16, 18)
    assert not isinstance(network, ComplexEstimator)
    torch.testing.assert_close(estimate(network, x), network(x))
    magnitude = ResNetGenerator(
        1, (1, 1), 4, stem="pixel_unshuffle"
    ).eval()  # has the method, but not its input
    with torch.no_grad():
        assert estimate(magnitude, x[:, :1]).shape == (1, 1, 16, 18)
