"""MONAI's networks under our contract: one coil, any mask, and the turn that saves the imaginary part."""

import pytest
import torch
from monai.apps.reconstruction.networks.nets.varnet import VariationalNetworkModel

from monai_gan_recon.kspace import fft2c, from_channels, kspace_residual, sampling_mask
from monai_gan_recon.networks.baselines import MonaiComplexUNet, MonaiVarNet
from monai_gan_recon.transforms import acquire

FEATURES = (4, 4, 8, 8, 8, 4)


def scan_of(seed=0, pattern="gaussian1d", hermitian=False):
    image = torch.rand(1, 32, 48, generator=torch.Generator().manual_seed(seed))
    return acquire(image, sampling_mask(pattern, (32, 48), 0.4, seed=seed), hermitian=hermitian)


def test_the_magnitude_is_that_of_monais_model():
    torch.manual_seed(0)
    network = MonaiVarNet(2, FEATURES).eval()
    x = scan_of().input[None]
    assert isinstance(network.model, VariationalNetworkModel)
    turned = fft2c(from_channels(x[:, :2]) * torch.polar(torch.ones(()), torch.tensor(torch.pi / 4)))
    with torch.no_grad():
        wanted = network.model(torch.view_as_real(turned)[:, None], (x[:, 2:] > 0)[..., None])
        torch.testing.assert_close(network(x), wanted[:, None])


def test_samples_of_a_batch_have_masks_of_their_own():
    torch.manual_seed(0)
    network = MonaiVarNet(2, FEATURES).eval()
    inputs = [scan_of(0).input, scan_of(1, "gaussian2d").input]
    with torch.no_grad():
        together = network(torch.stack(inputs))
        for one, x in zip(together, inputs, strict=True):
            torch.testing.assert_close(one, network(x[None])[0], rtol=1e-4, atol=1e-5)


def test_data_consistency_without_refinement():
    """With refinements of zero a weight of 1 keeps the measured samples and leaves the others at zero."""
    network = MonaiVarNet(3, FEATURES).eval()
    for cascade in network.model.cascades:
        cascade.model.forward = torch.zeros_like
    scan = scan_of()
    with torch.no_grad():
        estimate = from_channels(network.complex_estimate(scan.input[None]))[0]
    assert kspace_residual(estimate, from_channels(scan.zero_filled), scan.mask[0]) < 1e-6
    torch.testing.assert_close(estimate, from_channels(scan.zero_filled))


@pytest.mark.parametrize("build", [lambda: MonaiComplexUNet(FEATURES), lambda: MonaiVarNet(2, FEATURES)])
def test_rounding_noise_of_the_imaginary_part_does_not_matter(build):
    torch.manual_seed(0)
    network, x = build().eval(), scan_of(hermitian=True).input[None]
    noisy = x.clone()
    noisy[:, 1] += 1e-7 * torch.randn(32, 48)
    with torch.no_grad():
        torch.testing.assert_close(network(noisy), network(x), rtol=0, atol=1e-4)
