"""MONAI's networks under our contract: one coil, any mask, and the turn that saves the imaginary part."""

import pytest
import torch
from baseline_inputs import batch
from monai.apps.reconstruction.networks.nets.varnet import VariationalNetworkModel

from benchmarks.systems import MonaiComplexUNet, MonaiVarNet
from monai_gan_recon.measurement import fft2c, from_channels

FEATURES = (4, 4, 8, 8, 8, 4)
SIZE = (32, 48)


def test_the_magnitude_is_that_of_monais_model():
    torch.manual_seed(0)
    network, x = MonaiVarNet(2, FEATURES).eval(), batch(SIZE, 1)
    assert isinstance(network.model, VariationalNetworkModel)
    turned = fft2c(from_channels(x[:, :2]) * torch.polar(torch.ones(()), torch.tensor(torch.pi / 4)))
    with torch.no_grad():
        wanted = network.model(torch.view_as_real(turned)[:, None], (x[:, 2:3] > 0)[..., None])
        torch.testing.assert_close(from_channels(network(x)).abs(), wanted)


def test_samples_of_a_batch_have_masks_of_their_own():
    torch.manual_seed(0)
    network = MonaiVarNet(2, FEATURES).eval()
    inputs = [batch(SIZE, 1), batch(SIZE, 1, pattern="gaussian2d", seed=1)]
    with torch.no_grad():
        together = network(torch.cat(inputs))
        for one, x in zip(together, inputs, strict=True):
            torch.testing.assert_close(one, network(x)[0], rtol=1e-4, atol=1e-5)


def test_data_consistency_without_refinement():
    """With refinements of zero a weight of 1 keeps the measured samples and leaves the others at zero."""
    network, x = MonaiVarNet(3, FEATURES).eval(), batch(SIZE)
    for cascade in network.model.cascades:
        cascade.model.forward = torch.zeros_like
    with torch.no_grad():
        torch.testing.assert_close(network(x), x[:, :2], rtol=0, atol=1e-5)


@pytest.mark.parametrize("build", [lambda: MonaiComplexUNet(FEATURES), lambda: MonaiVarNet(2, FEATURES)])
def test_rounding_noise_of_the_imaginary_part_does_not_matter(build):
    torch.manual_seed(0)
    network, x = build().eval(), batch(SIZE, hermitian=True)
    noisy = x.clone()
    noisy[:, 1] += 1e-7 * torch.randn(SIZE)
    with torch.no_grad():
        torch.testing.assert_close(network(noisy), network(x), rtol=0, atol=1e-4)
