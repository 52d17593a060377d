"""Networks of the segmentation: slices with neighbours, correction of the mixture, precision."""

import pytest
import torch
from monai.inferers import SimpleInferer
from monai.networks.nets import BasicUNet
from torch import nn

from monai_gan_recon.segmentation.networks import (
    AutocastInferer,
    MixtureCorrection,
    MixtureScores,
    WindowInferer,
    tissue_network,
)


class Window(nn.Module):
    """Weighted sum of a slice and its neighbours, of each of four channels."""

    def forward(self, x):
        weight = torch.tensor([1.0, 10.0, 100.0])[None, :, None, None, None]
        return (x.unflatten(1, (3, 4)) * weight).sum(1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_see_their_neighbours(axis):
    features = torch.zeros(2, 4, 4, 5, 6)
    features[:, 0] = torch.rand(2, 4, 5, 6)  # outside of the brain the mixture says background, of logarithm 0
    result = MixtureCorrection(Window(), neighbours=1, axis=axis)(features)[:, 0]
    image, n = features[:, 0], features.shape[axis + 2]
    zero = torch.zeros_like(image.narrow(axis + 1, 0, 1))
    before = torch.cat([zero, image.narrow(axis + 1, 0, n - 1)], axis + 1)
    after = torch.cat([image.narrow(axis + 1, 1, n - 1), zero], axis + 1)
    assert torch.allclose(result, before + 10 * image + 100 * after, atol=1e-5)


@pytest.mark.parametrize("options", [{"neighbours": -1}, {"neighbours": 10**5}, {"axis": 3}, {"axis": 1.0}])
def test_wrong_slices(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        MixtureCorrection(nn.Identity(), **options)


class Zeros(nn.Module):
    """A network that has nothing to correct."""

    def forward(self, x):
        return x.new_zeros(len(x), 4, *x.shape[2:])


def test_without_a_correction_the_mixture_answers():
    features = torch.zeros(1, 4, 3, 5, 4)
    features[:, 0] = torch.randn(1, 3, 5, 4)
    features[:, 1:, :2] = torch.rand(1, 3, 2, 5, 4).softmax(1)  # the rest is outside of the brain
    result = MixtureCorrection(Zeros(), least_probability=1e-4)(features).softmax(1)
    expected = torch.cat([1 - features[:, 1:].sum(1, keepdim=True), features[:, 1:]], 1)
    assert torch.allclose(result, expected, atol=5e-4)
    assert (result[:, 0, 2] > 0.999).all()


def test_a_correction_overrules_the_surest_mixture():
    class Change(Zeros):
        def forward(self, x):
            logits = super().forward(x)
            logits[:, 2] = 5.0  # gray matter, more than log(1 / 0.01)
            return logits

    features = torch.zeros(1, 4, 3, 5, 4)
    features[:, 1] = 1  # all CSF
    assert (MixtureCorrection(Change())(features).argmax(1) == 2).all()
    assert (MixtureCorrection(Zeros())(features).argmax(1) == 1).all()


@pytest.mark.parametrize("least", [0.0, 1.0])
def test_wrong_least_probability(least):
    with pytest.raises(ValueError, match="least_probability"):
        MixtureCorrection(Zeros(), least_probability=least)


@pytest.mark.parametrize(("amp", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_autocast_computes_in_bfloat16_and_gives_float32(amp, dtype):
    seen = []
    network = nn.Sequential(nn.Conv3d(1, 2, 1))
    network.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    result = AutocastInferer(SimpleInferer(), amp)(torch.rand(1, 1, 3, 3, 3), network)
    assert seen == [dtype]
    assert result.dtype == torch.float32


def test_bfloat16_on_a_cpu_is_asked_for():
    assert not AutocastInferer(device="cpu").bf16
    assert AutocastInferer(amp=True, device="cpu").bf16


def test_weights_lie_channels_last(tmp_path):
    for layer, layout in ((nn.Conv3d, torch.channels_last_3d), (nn.Conv2d, torch.channels_last)):
        network = layer(4, 4, 3)
        torch.save(network.state_dict(), tmp_path / "model.pt")
        loaded = tissue_network(layer(4, 4, 3), tmp_path / "model.pt")
        assert loaded.weight.is_contiguous(memory_format=layout)
        torch.testing.assert_close(loaded.weight, network.weight)


def test_the_mixture_takes_the_networks_place():
    network = tissue_network(nn.Conv3d(4, 4, 1), "no such file", method="mixture", contrast="t2")
    assert isinstance(network, MixtureScores)


@pytest.mark.parametrize("options", [{"method": "magic"}, {"contrast": "t2"}, {"device": "cuda:99"}])
def test_networks_that_there_are_not(options):
    with pytest.raises(ValueError, match=next(iter(options.values()))):
        tissue_network(nn.Conv3d(4, 4, 1), **options)


def test_a_network_without_channels():
    with pytest.warns(UserWarning, match="zero-element"):
        network = nn.Conv3d(4, 0, 1)
    with pytest.raises(ValueError, match="channels"):
        tissue_network(network)


def test_windows_agree_with_the_whole():
    network, volume = nn.Conv3d(4, 4, 1), torch.rand(1, 4, 40, 20, 36)
    found = WindowInferer([16, 16, 16], overlap=0.5, batch_size=3)(volume, network)
    torch.testing.assert_close(found, network(volume))


@pytest.mark.parametrize(
    "options",
    [
        {"roi_size": [16, 16, 20]}, {"roi_size": 16}, {"roi_size": [16, 16, 10**6]}, {"overlap": 1}, {"overlap": True},
        {"batch_size": 0}, {"amp": "yes"},
    ],
)  # fmt: skip
def test_windows_that_do_not_fit(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        WindowInferer(**{"roi_size": [16, 16, 16]} | options)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_scripted_network_agrees(axis):
    network = MixtureCorrection(BasicUNet(2, 12, 4, (4, 4, 4, 4, 4, 4)), axis=axis).eval()
    scripted = torch.jit.script(network)
    for batch, slices, height, width in ((1, 5, 16, 32), (2, 1, 48, 16)):
        volume = torch.rand(batch, 4, slices, height, width).movedim(2, axis + 2)
        with torch.inference_mode():
            torch.testing.assert_close(scripted(volume), network(volume))
