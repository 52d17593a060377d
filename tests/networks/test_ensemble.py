"""Self-ensemble: equivariant under its views, exact where the network is, one view is the network."""

import pytest
import torch
from measurements import network_input, randomised

from monai_gan_recon.measurement import KData, from_channels, kspace_residual, normal_operator, pack, unpack
from monai_gan_recon.networks import SelfEnsemble, UnrolledGenerator, self_ensemble

SMALL = {"layers": (1, 1), "width": 4, "stem": "pixel_unshuffle", "cascades": 2}


class Adjoint(torch.nn.Module):
    """The zero-filled image."""

    def forward(self, x):
        return x[:, :2]


@pytest.mark.parametrize("views", [0, 3, 16, -2, True, 2.5, "all"])
def test_numbers_of_views_that_there_are_not(views):
    with pytest.raises(ValueError, match="self_ensemble"):
        self_ensemble(Adjoint(), views)


def test_one_view_is_the_network():
    network = Adjoint()
    assert self_ensemble(network) is network


@pytest.mark.parametrize("views", [2, 4, 8])
@pytest.mark.parametrize("size", [(16, 20), (17, 31), (24, 17)])
def test_what_commutes_with_the_views_is_not_changed(size, views):
    x = network_input(size, coils=2)
    assert torch.allclose(SelfEnsemble(Adjoint(), views)(x), x[:, :2], atol=1e-6)


@pytest.mark.parametrize("turn", ["mirror", "transpose"])
@pytest.mark.parametrize("size", [(16, 24), (17, 32)])
def test_a_turned_object_gives_the_turned_image(size, turn):
    """The turn is made in the image domain, by rule of the discrete Fourier transform: f(-x) has F(-k)."""
    network = SelfEnsemble(randomised(UnrolledGenerator(**SMALL)), 8).eval()
    kspace = torch.randn(1, 1, *size, dtype=torch.complex64)
    mask = torch.rand(1, 1, 1, size[1]) < 0.4
    mask[..., size[1] // 2] = True

    def of(k):
        if turn == "transpose":
            return k.transpose(-1, -2)
        at = (2 * (size[1] // 2) - torch.arange(size[1])) % size[1]
        return k[..., at]

    plain, turned = (pack(KData(y * m, m)) for y, m in ((kspace, mask), (of(kspace), of(mask))))
    with torch.no_grad():
        expected, result = network(plain), network(turned)
    assert torch.allclose(of(expected), result, atol=1e-4 * float(expected.abs().max()))
    assert (expected - plain[:, :2]).abs().max() > 1e-3


def test_measured_samples_stay_exact():
    network = SelfEnsemble(randomised(UnrolledGenerator(**SMALL)), 8).eval()
    x = network_input((32, 24))
    data = unpack(x)
    with torch.no_grad():
        image = from_channels(network(x))
    residual = kspace_residual(image, from_channels(data.adjoint), normal_operator(data.mask, data.maps))
    assert residual.max() < 1e-4
