"""Calibrated intensity and probabilities: known tissues, order by contrast, metadata."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.segmentation.labels import TISSUES
from monai_gan_recon.segmentation.networks import MixtureScores
from monai_gan_recon.segmentation.segmenter import cautions
from monai_gan_recon.segmentation.tissue_features import TissueFeatures, TissueFeaturesd, white_matter_depth

AFFINE = torch.tensor([[0.0, 0, 1, 5], [-1, 0, 0, 9], [0, 1, 0, -3], [0, 0, 0, 1]])


def phantom(values, noise=0.03):
    """Stripes of CSF, GM and WM in a block, and its labels; ``values`` by label, 1 first."""
    labels = np.zeros((1, 24, 20, 18), dtype=np.uint8)
    labels[:, 3:21, 3:17, 3:15] = 1 + np.arange(18)[None, :, None, None] // 6
    spread = np.exp(np.random.default_rng(0).normal(0, noise, labels.shape))
    image = np.array([0.0, *values])[labels] * spread
    return MetaTensor(torch.from_numpy(image).float(), affine=AFFINE), torch.from_numpy(labels)


@pytest.mark.parametrize(
    ("contrast", "values"), [("t1", (40, 80, 120)), ("t2", (120, 80, 40)), ("flair", (40, 120, 80))]
)
def test_contrast_gives_the_order(contrast, values):
    image, labels = phantom(values)
    features = TissueFeatures(contrast, bias_fwhm=0.0)(image)
    assert features.shape == (4, *labels.shape[1:])
    assert features.dtype == torch.float32
    torch.testing.assert_close(features.affine, image.affine)
    scores = MixtureScores()(features.as_tensor()[None])
    assert (scores[0].argmax(0) == labels[0]).float().mean() > 0.99
    torch.testing.assert_close(scores.sum(1), torch.ones(1, *labels.shape[1:]))
    ranks = np.argsort(np.argsort(values)) - 1.0  # darkest -1, brightest 1
    for label, rank in zip(TISSUES, ranks, strict=True):
        assert features[0][labels[0] == label].median() == pytest.approx(rank, abs=0.05)


def test_gain_and_contrast_do_not_matter():
    image, labels = phantom((40, 80, 120))
    features = TissueFeatures(bias_fwhm=0.0)
    other = MetaTensor(1000 * image.as_tensor() ** 1.3, affine=AFFINE)
    inside = (labels > 0).expand(4, *labels.shape[1:])
    difference = (features(image) - features(other)).as_tensor()[inside].abs()
    assert difference.mean() < 0.02
    assert not features(image).as_tensor()[~inside].any()


def test_outliers_are_limited():
    image, labels = phantom((40, 80, 120))
    image[0, 10, 10, 10] = 1e6
    image[0, 11, 10, 10] = 1e-6
    features = TissueFeatures()(image, labels > 0)
    assert features[0].abs().max() == 3
    assert torch.isfinite(features).all()


def test_dictionary_is_the_same():
    image, labels = phantom((40, 80, 120))
    result = TissueFeaturesd(mask_key="mask")({"image": image, "mask": labels > 0, "other": 1})
    torch.testing.assert_close(result["image"], TissueFeatures()(image, labels > 0))
    assert result["other"] == 1


def test_wrong_input():
    with pytest.raises(ValueError, match="unknown contrast"):
        TissueFeatures("pd")
    with pytest.raises(ValueError, match=r"features \(B, 4"):
        MixtureScores()(torch.rand(1, 1, 4, 4, 4))
    image, labels = phantom((40, 80, 120))
    with pytest.raises(ValueError, match="mask"):
        TissueFeatures()(image, torch.zeros_like(labels))


@pytest.mark.parametrize("mm", [1.0, 2.0, 4.0])
@pytest.mark.parametrize(
    ("taken", "warned"),
    [((1, 2, 3), False), ((3, 2, 1), True), ((1, 3, 2), True), ((1, 3, 3), True)],  # true, T2, FLAIR, none
)
def test_tissues_that_are_swapped_are_told_by_where_white_matter_lies(taken, warned, mm):
    """A ball, fluid around it and in its middle; white matter comes to the surface in one half, cortex in the other."""
    x, y, z = np.mgrid[-20:21, -20:21, -20:21]
    radius = np.sqrt(x**2 + y**2 + z**2)
    gray = (radius > 10) & (x > 0)
    tissue = torch.from_numpy(np.select([radius <= 4, radius > 20, radius > 18, gray], [1, 0, 1, 2], 3))
    labels = torch.tensor([0, *taken])[tissue][None]
    affine = torch.diag(torch.tensor([mm, mm, mm, 1.0]))
    features = torch.cat([labels == label for label in range(4)]).float()
    depth = white_matter_depth(MetaTensor(features, affine=affine), labels > 0)
    assert ("Contrast" in cautions(MetaTensor(labels, affine=affine), None, depth)) == warned
