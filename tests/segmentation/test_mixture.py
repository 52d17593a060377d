"""Unsupervised tissues: the Markov random field's gain, the bias field, the grid."""

import numpy as np
import pytest

from monai_gan_recon.segmentation.mixture import TissueMixture

MEANS = np.array([0.0, 40.0, 80.0, 120.0])
SPACING = (3.0, 3.0, 3.0)
"""Of the voxels in mm: the phantom is as large as a brain, so that the bias field is wider than its tissues."""


@pytest.fixture(scope="module")
def truth():
    """WM ball in a GM shell in a CSF shell, with ventricles; labels 1, 2, 3 from dark to bright."""
    x, y, z = np.ogrid[-24:24, -24:24, -20:20]
    radius = np.sqrt(x**2 + y**2 + z**2)
    labels = np.select([radius < 12, radius < 16, radius < 19], [3, 2, 1], 0)
    return np.where(radius < 5, 1, labels)


def image_of(truth, noise, means=MEANS, seed=0):
    values = means[truth] * np.exp(np.random.default_rng(seed).normal(0, noise, truth.shape))
    return np.where(truth > 0, values, 0).astype(np.float32)


def accuracy(fit, truth):
    found = fit.probability.argmax(0) + 1
    return (found == truth)[truth > 0].mean()


def test_random_field_beats_brightness_alone(truth):
    noisy = image_of(truth, 0.15)
    alone, field = (accuracy(TissueMixture(beta=beta)(noisy, truth > 0, SPACING), truth) for beta in (0.0, 1.0))
    assert alone < 0.93
    assert field > 0.99


def test_bias_field_is_found(truth):
    x, y, _ = np.meshgrid(*(np.linspace(-1, 1, n) for n in truth.shape), indexing="ij")
    bias = 0.5 * x + 0.3 * y**2
    image = image_of(truth, 0.05) * np.exp(bias)
    mask = truth > 0
    without, fitted = (TissueMixture(bias_fwhm=fwhm, iterations=20)(image, mask, SPACING) for fwhm in (0.0, 30.0))
    assert accuracy(without, truth) < 0.8
    assert accuracy(fitted, truth) > 0.99
    for label in (1, 2, 3):  # flat within a tissue
        assert fitted.intensity[truth == label].std() < 0.5 * without.intensity[truth == label].std()


def test_probabilities_and_means(truth):
    fit = TissueMixture()(image_of(truth, 0.1), truth > 0, SPACING)
    assert fit.probability.shape == (3, *truth.shape)
    assert fit.probability.dtype == np.float32
    np.testing.assert_allclose(fit.probability.sum(0), truth > 0, atol=1e-5)
    assert not fit.intensity[truth == 0].any()
    ratios = np.exp(np.diff(fit.means))
    np.testing.assert_allclose(ratios, [MEANS[2] / MEANS[1], MEANS[3] / MEANS[2]], rtol=0.05)


def test_unit_and_repetition_do_not_matter(truth):
    image, mixture = image_of(truth, 0.1), TissueMixture()
    reference = mixture(image, truth > 0)
    np.testing.assert_array_equal(mixture(image, truth > 0).probability, reference.probability)
    np.testing.assert_allclose(mixture(image * 1e-4, truth > 0).probability, reference.probability, atol=1e-3)


def test_coarse_grid_is_every_nth_voxel(truth):
    """Each voxel made eight of half the size: the coarse grid of it is the original grid."""
    image, mask = image_of(truth, 0.1), truth > 0
    mixture = TissueMixture(fit_spacing=3.0)
    coarse = mixture(image, mask, SPACING)
    fine = mixture(*(v.repeat(2, 0).repeat(2, 1).repeat(2, 2) for v in (image, mask)), (1.5, 1.5, 1.5))
    assert fine.means == coarse.means
    assert (fine.probability[:, ::2, ::2, ::2].argmax(0) == coarse.probability.argmax(0)).mean() > 0.98


def test_slices(truth):
    image = image_of(truth, 0.1)[..., 20]
    assert accuracy(TissueMixture()(image, image > 0, SPACING[:2]), truth[..., 20]) > 0.95


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (np.zeros((4, 4, 4)), np.zeros((4, 4, 4), bool), "mask is empty"),
        (np.full((4, 4, 4), np.nan), np.ones((4, 4, 4), bool), "NaN or infinite"),
        (np.ones((4, 4, 4)), np.ones((4, 4, 4), bool), "fewer than three intensities"),
        (-np.ones((4, 4, 4)), np.ones((4, 4, 4), bool), "nowhere above 0"),
    ],
)
def test_images_without_tissues_are_refused(image, mask, message):
    with pytest.raises(ValueError, match=message):
        TissueMixture()(image, mask)


@pytest.mark.parametrize("options", [{"beta": -1.0}, {"iterations": 0}, {"bias_fwhm": -1.0}, {"fit_spacing": 0.0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        TissueMixture(**options)


@pytest.mark.parametrize("change", [lambda x: (x - x.mean()) / x.std(), lambda x: x - 1000])
def test_standardised_brains_are_refused(change):
    """Half of a z-scored brain is below 0, where a logarithm sees cerebrospinal fluid only."""
    rng = np.random.default_rng(0)
    brain = rng.choice([300.0, 600, 900], (12, 12, 12)) + rng.normal(0, 20, (12, 12, 12))
    inside = np.ones(brain.shape, bool)
    TissueMixture()(brain, inside)
    with pytest.raises(ValueError, match="magnitude"):
        TissueMixture()(change(brain), inside)
