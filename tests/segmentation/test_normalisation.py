"""Robust normalisation: median 0, robust spread 1, background exactly 0."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.segmentation.normalisation import NormalizeTissue, NormalizeTissued


@pytest.fixture
def head():
    values = np.zeros((16, 16, 16), dtype=np.float32)
    values[3:13, 3:13, 3:13] = np.random.default_rng(0).normal(800, 50, (10, 10, 10)).round()
    return MetaTensor(torch.from_numpy(values)[None], affine=torch.diag(torch.tensor([2.0, 1, 1, 1])))


def test_median_spread_and_background(head):
    result = NormalizeTissue()(head)
    inside = head[0].numpy() != 0
    brain = result[0].numpy()[inside]
    assert abs(np.median(brain)) <= 1e-6
    np.testing.assert_allclose(np.subtract(*np.percentile(brain, [75, 25])), 1.349, rtol=1e-5)
    assert abs(brain.std() - 1) < 0.05
    np.testing.assert_array_equal(result[0].numpy() != 0, inside)  # voxels at the median too
    assert (head[0].numpy()[inside] == np.median(head[0].numpy()[inside])).any()
    np.testing.assert_allclose(result.affine, head.affine)


def test_unit_and_bright_outliers_hardly_matter(head):
    reference = NormalizeTissue()(head).as_tensor()
    torch.testing.assert_close(NormalizeTissue()(head * 0.001).as_tensor(), reference, rtol=1e-3, atol=1e-3)
    vessels = head.clone()
    vessels[0, 3:13, 3:13, 3] *= 20  # a tenth of the brain
    changed = NormalizeTissue()(vessels).as_tensor()[0, 3:13, 3:13, 4:13]
    assert (changed - reference[0, 3:13, 3:13, 4:13]).abs().max() < 0.7


def test_mask_of_the_dictionary_is_used(head):
    mask = torch.zeros_like(head)
    mask[0, 3:8] = head[0, 3:8] != 0
    result = NormalizeTissued(mask_key="brain_mask")({"image": head, "brain_mask": mask})["image"]
    np.testing.assert_array_equal(result[0].numpy() != 0, mask[0].numpy() != 0)
    assert abs(np.median(result[0].numpy()[mask[0].numpy() != 0])) <= 1e-6


def test_two_valued_brain_is_scaled_by_its_standard_deviation():
    values = torch.zeros(1, 10, 10, 10)
    values[0, 2:8, 2:8, 2:8] = 5.0
    values[0, 2, 2:8, 2:8] = 8.0  # a sixth: median and quartiles are all 5
    result = NormalizeTissue()(values)[0].numpy()
    np.testing.assert_allclose(result[2, 2:8, 2:8], 3 / np.sqrt(9 * 5 / 36), rtol=1e-5)


def test_bad_input_is_refused(head):
    with pytest.raises(ValueError, match="brain mask is empty"):
        NormalizeTissue()(head, torch.zeros_like(head))
    with pytest.raises(ValueError, match="constant within its brain mask"):
        NormalizeTissue()((head != 0) * 7.0)
    with pytest.raises(ValueError, match="0 everywhere"):
        NormalizeTissue()(head * 0)
    with pytest.raises(ValueError, match="NaN or infinite"):
        NormalizeTissue()(head / 0)
