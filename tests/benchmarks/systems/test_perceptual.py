"""DAGAN's perceptual loss, with a made-up file of weights: the format is what counts."""

import pytest
import torch

from benchmarks.systems import DAGANLoss, VGG16Loss

# torchvision's VGG16: index of each convolution in `features`, and its channels
LAYERS = {
    0: (3, 64),
    2: (64, 64),
    5: (64, 128),
    7: (128, 128),
    10: (128, 256),
    12: (256, 256),
    14: (256, 256),
}
LAYERS |= {17: (256, 512), 19: (512, 512), 21: (512, 512), 24: (512, 512)}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    state = {"classifier.6.bias": torch.zeros(1000)}  # the file holds more than is asked for
    for index, (inputs, outputs) in LAYERS.items():
        state[f"features.{index}.weight"] = torch.randn(outputs, inputs, 3, 3) * (2 / (9 * inputs)) ** 0.5
        state[f"features.{index}.bias"] = torch.zeros(outputs)
    path = tmp_path_factory.mktemp("vgg") / "vgg16.pth"
    torch.save(state, path)
    return path


def test_loss_of_features(weights):
    loss = VGG16Loss(weights)
    torch.manual_seed(0)
    target = torch.rand(1, 1, 32, 48)
    pred = (target + 0.05 * torch.randn_like(target)).requires_grad_()
    value = loss(pred, target)
    value.backward()
    assert value > 0
    assert pred.grad.isfinite().all()
    assert pred.grad.abs().sum() > 0
    assert loss(target, target) == 0
    assert all(p.grad is None for p in loss.parameters())
    assert loss.features(torch.zeros(1, 3, 32, 48)).shape == (1, 512, 4, 6)  # conv4_3: after three poolings


def test_it_is_a_term_of_the_reconstruction_loss(weights):
    loss = DAGANLoss(a=1.0, b=0.0, perceptual=0.0025, vgg16_weights=str(weights))
    pred, target = torch.rand(2, 2, 16, 16), torch.rand(2, 2, 16, 16)
    total, terms = loss.with_terms(pred, target, torch.rand(2, 4, 16, 16))
    torch.testing.assert_close(total, terms["nrmse"] + 0.0025 * terms["perceptual"])


def test_the_file_is_asked_for(tmp_path):
    with pytest.raises(ValueError, match=r"--loss_weights#vgg16_weights FILE: a state dict of VGG16"):
        DAGANLoss(perceptual=0.0025)
    with pytest.raises(FileNotFoundError, match=r"no VGG16 weights at .*vgg16-397923af.pth"):
        VGG16Loss(tmp_path / "nothing.pth")
    torch.save({"features.0.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other.pth does not fit the perceptual loss"):
        VGG16Loss(tmp_path / "other.pth")
