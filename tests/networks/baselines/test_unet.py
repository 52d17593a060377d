"""The U-net's k-space correction."""

import pytest
import torch

from monai_gan_recon.kspace import fft2c, from_channels, kspace_residual, sampling_mask
from monai_gan_recon.losses import ReconstructionLoss
from monai_gan_recon.networks.baselines import CorrectedUNet, UNet
from monai_gan_recon.transforms import acquire


def scan_of(size, hermitian=False):
    low = torch.rand(1, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    image = torch.nn.functional.interpolate(low, size=size, mode="bicubic").clamp(0.2, 1)[0]
    image = image * (1 - 0.3 * torch.rand(1, *size, generator=torch.Generator().manual_seed(1)))
    mask = sampling_mask("gaussian1d", size, 0.3, seed=0)
    return image, acquire(image, mask, hermitian=hermitian)


@pytest.mark.parametrize("size", [(48, 64), (33, 47)])
@pytest.mark.parametrize("hermitian", [False, True])
def test_measured_samples_are_put_back_exactly(size, hermitian):
    torch.manual_seed(0)
    network = CorrectedUNet(width=4).eval()
    _, scan = scan_of(size, hermitian)
    with torch.no_grad():
        estimate = from_channels(network.complex_estimate(scan.input[None]))[0]
    assert kspace_residual(estimate, from_channels(scan.zero_filled), scan.mask[0]) < 1e-5


def test_the_other_samples_are_those_of_the_unets_image():
    torch.manual_seed(0)
    network = CorrectedUNet(width=4).eval()
    image, scan = scan_of((48, 64))
    network.unet.forward = lambda _: image[None]  # a perfect network
    with torch.no_grad():
        estimate = from_channels(network.complex_estimate(scan.input[None]))
    missing = scan.mask[0] == 0
    error = (fft2c(estimate[0]) - fft2c(image[0]))[missing].norm() / fft2c(image[0])[missing].norm()
    assert error < 0.02  # but for the little phase that lines without their mirror feign


def test_training_is_before_the_correction():
    torch.manual_seed(0)
    network = CorrectedUNet(width=4)
    _, scan = scan_of((48, 64))
    magnitude = from_channels(scan.zero_filled).abs()[None, None]
    with torch.no_grad():
        torch.testing.assert_close(network.train()(scan.input[None]), network.unet(magnitude))
        assert (network.eval()(scan.input[None]) - network.unet(magnitude)).abs().max() > 1e-3


def test_residual_starts_at_the_input_and_learns():
    network, image = UNet(width=4, residual=True), torch.rand(1, 1, 33, 47)
    torch.testing.assert_close(network(image), image)
    network(image).square().sum().backward()
    assert network.unet.final_conv.weight.grad.abs().max() > 0


def test_structural_similarity_does_not_tell_an_image_from_its_negative():
    """Why the U-net that has it as its only loss is residual."""
    image = scan_of((48, 64))[0][None]
    loss = ReconstructionLoss(a=0, b=0, dssim=1)
    assert loss(-image, image) < 0.2
    assert loss(torch.zeros_like(image), image) > 0.4
