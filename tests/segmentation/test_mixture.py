"""Unsupervised tissues: order of the classes, gain of the Markov random field, probabilities."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.segmentation.labels import TISSUES
from monai_gan_recon.segmentation.mixture import TissueMixture

MEANS = np.array([0.0, 30.0, 80.0, 120.0])


@pytest.fixture(scope="module")
def truth():
    """WM ball in a GM shell in a CSF shell, with ventricles."""
    x, y, z = np.ogrid[-20:20, -20:20, -16:16]
    radius = np.sqrt(x**2 + y**2 + z**2)
    labels = np.select([radius < 9, radius < 13, radius < 15], [3, 2, 1], 0)
    return np.where(radius < 4, 1, labels)


@pytest.fixture(scope="module")
def noisy(truth):
    values = MEANS[truth] + np.random.default_rng(0).normal(0, 18, truth.shape)
    return torch.from_numpy(np.where(truth > 0, values, 0.0)).float()[None, None]


def accuracy(probabilities, truth):
    found = probabilities[0].argmax(0).numpy()
    return (found == truth)[truth > 0].mean()


def test_random_field_beats_thresholds_and_the_mixture_alone(truth, noisy):
    thresholds = np.digitize(noisy[0, 0].numpy(), (MEANS[1:-1] + MEANS[2:]) / 2) + 1
    by_threshold = (thresholds == truth)[truth > 0].mean()
    alone, field = (accuracy(TissueMixture(beta=beta)(noisy), truth) for beta in (0.0, 1.0))
    assert by_threshold < 0.9
    assert field > 0.97
    assert field > max(alone, by_threshold) + 0.05


def test_probabilities(truth, noisy):
    probabilities = TissueMixture()(noisy)
    assert probabilities.shape == (1, 4, *truth.shape)
    assert probabilities.dtype == torch.float32
    assert probabilities.min() >= 0
    torch.testing.assert_close(probabilities.sum(1), torch.ones(1, *truth.shape))
    torch.testing.assert_close(probabilities[0, 0], torch.from_numpy(truth == 0).float())
    for label in TISSUES:
        assert noisy[0, 0][probabilities[0].argmax(0) == label].mean() == pytest.approx(MEANS[label], abs=6)


@pytest.mark.parametrize(
    ("contrast", "means"), [("t2", [0, 120, 80, 30]), ("flair", [0, 30, 120, 80])], ids=["t2", "flair"]
)
def test_contrast_gives_the_order(truth, contrast, means):
    noise = np.random.default_rng(1).normal(0, 8, truth.shape)
    image = torch.from_numpy(np.where(truth > 0, np.array(means)[truth] + noise, 0)).float()[None, None]
    assert accuracy(TissueMixture(contrast)(image), truth) > 0.97


def test_unit_batch_and_repetition_do_not_matter(noisy):
    mixture = TissueMixture().eval()
    reference = mixture(noisy)
    torch.testing.assert_close(mixture(noisy), reference, rtol=0, atol=0)
    both = mixture(torch.cat([noisy, noisy * 1e-4]))
    torch.testing.assert_close(both[0], reference[0], rtol=0, atol=0)
    torch.testing.assert_close(both[1], reference[0], rtol=0, atol=1e-2)


def test_slices_and_meta_tensors(truth, noisy):
    image = MetaTensor(noisy[..., 16], affine=torch.eye(4))
    result = TissueMixture()(image)
    assert isinstance(result, MetaTensor)
    assert result.shape == (1, 4, 40, 40)
    assert accuracy(result.as_tensor(), truth[..., 16]) > 0.9


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(1, 1, 4, 4, 4), "0 everywhere"),
        (torch.full((1, 1, 4, 4, 4), float("nan")), "NaN or infinite"),
        (torch.ones(1, 1, 4, 4, 4), "fewer than three intensities"),
        (torch.ones(1, 2, 4, 4, 4), r"images \(B, 1"),
    ],
)
def test_images_without_tissues_are_refused(image, message):
    with pytest.raises(ValueError, match=message):
        TissueMixture()(image)


@pytest.mark.parametrize("options", [{"contrast": "pd"}, {"beta": -1.0}, {"iterations": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=r"unknown contrast|beta must be"):
        TissueMixture(**options)
