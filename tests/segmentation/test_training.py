"""What a training of tissue segmentation adds to MONAI's trainer."""

import pytest
import torch
from torch import nn

from monai_gan_recon.segmentation.training import TissueValidator


def test_validator_averages_tissues_that_are_there():
    """The network repeats its input as the scores: Dice is known, and a tissue in neither image does not count."""
    label = torch.zeros(1, 1, 4, 4, 4)
    label[..., :2], label[..., 2:3] = 2, 3
    predicted = label.clone()
    predicted[..., 1] = 3  # GM: 1 of 2 planes found; WM: 2 planes found, 1 true
    scores = torch.cat([(predicted == k).float() for k in range(4)], 1)
    network = nn.Conv3d(1, 4, 1)
    network.forward = lambda x: scores
    validator = TissueValidator("cpu", [{"image": label, "label": label}], network)
    validator.run()
    metrics = validator.state.metrics
    assert metrics["val_dice_gm"] == pytest.approx(2 / 3)
    assert metrics["val_dice_wm"] == pytest.approx(2 / 3)
    assert metrics["val_dice"] == pytest.approx(2 / 3)
