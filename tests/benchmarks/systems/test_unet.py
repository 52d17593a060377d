"""The U-net's k-space correction."""

import pytest
import torch
from baseline_inputs import scan_of

from benchmarks.systems import CorrectedUNet, UNet
from monai_gan_recon.losses import ReconstructionLoss
from monai_gan_recon.measurement import (
    fft2c,
    from_channels,
    kspace_residual,
    normal_operator,
    pack,
    to_channels,
    unpack,
)
from monai_gan_recon.simulation import biot_savart_maps


def image_of(size):
    low = torch.rand(1, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    image = torch.nn.functional.interpolate(low, size=size, mode="bicubic").clamp(0.2, 1)[0]
    return image * (1 - 0.3 * torch.rand(1, *size, generator=torch.Generator().manual_seed(1)))


def corrected():
    torch.manual_seed(0)
    return CorrectedUNet(width=4).eval()


@pytest.mark.parametrize("size", [(48, 64), (33, 47)])
@pytest.mark.parametrize(("coils", "hermitian"), [(0, False), (0, True), (1, False), (4, False)])
def test_measured_samples_are_put_back(size, coils, hermitian):
    maps = biot_savart_maps(size, coils) if coils else None
    x = pack(scan_of(image_of(size), hermitian=hermitian, maps=maps))
    data = unpack(x)
    with torch.no_grad():
        estimate = from_channels(corrected()(x))
    residual = kspace_residual(estimate, from_channels(data.adjoint), normal_operator(data.mask, data.maps))
    assert residual < (1e-5 if coils < 2 else 0.02)


def test_the_other_samples_are_those_of_the_unets_image():
    network, image = corrected(), image_of((48, 64))
    x = pack(scan_of(image))
    network.unet.forward = lambda _: image[None]  # a perfect network
    with torch.no_grad():
        estimate = from_channels(network(x))
    missing = x[0, 2] == 0
    error = (fft2c(estimate[0]) - fft2c(image[0]))[missing].norm() / fft2c(image[0])[missing].norm()
    assert error < 0.02  # but for the little phase that lines without their mirror feign


def test_noisy_samples_are_put_back_in_part():
    network, image = corrected(), image_of((48, 64))
    x = pack(scan_of(image))
    noisy = x.clone()
    noisy[:, 3] = 1e3
    with torch.no_grad():
        network.unet.forward = lambda _: torch.zeros(1, 1, 48, 64)
        torch.testing.assert_close(network(x), x[:, :2])
        assert network(noisy).abs().max() < 1e-3


def test_training_is_before_the_correction():
    network, x = CorrectedUNet(width=4), pack(scan_of(image_of((48, 64))))
    magnitude = from_channels(x[:, :2]).abs()[:, None]
    with torch.no_grad():
        wanted = network.unet(magnitude)
        torch.testing.assert_close(network.train()(x), torch.cat((wanted, torch.zeros_like(wanted)), dim=1))
        assert (from_channels(network.eval()(x)).abs()[:, None] - wanted).abs().max() > 1e-3


def test_residual_starts_at_the_input_and_learns():
    network, image = UNet(width=4, residual=True), torch.rand(1, 1, 33, 47)
    torch.testing.assert_close(network(image), image)
    network(image).square().sum().backward()
    assert network.unet.final_conv.weight.grad.abs().max() > 0


def test_structural_similarity_does_not_tell_an_image_from_its_negative():
    """Why the U-net that has it as its only loss is residual: the loss compares magnitudes."""
    image = to_channels(image_of((48, 64)) + 0j)
    loss = ReconstructionLoss(a=0, b=0, dssim=1)
    assert loss(-image, image, image) < 1e-4
    assert loss(torch.zeros_like(image), image, image) > 0.4
