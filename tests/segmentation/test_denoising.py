"""Anisotropic diffusion takes noise away and leaves edges."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.ndimage import gaussian_filter

from monai_gan_recon.segmentation.preprocessing import DenoiseAnisotropic, DenoiseAnisotropicd


@pytest.fixture
def step():
    """Two tissues of 100 and 200 with noise of 8, meeting at x = 16."""
    clean = np.where(np.arange(32)[:, None, None] < 16, 100.0, 200.0) * np.ones((32, 24, 24))
    return (clean + np.random.default_rng(0).normal(0, 8, clean.shape)).astype(np.float32)


def volume(values, spacing=(1.0, 1.0, 1.0)):
    return MetaTensor(torch.as_tensor(values)[None], affine=torch.diag(torch.tensor([*spacing, 1.0])))


def edge(values):
    """Contrast between the two voxels at the edge."""
    return (values[16] - values[15]).mean()


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 0.8, 3.0)])
def test_noise_falls_and_the_edge_stays(step, spacing):
    image = volume(step, spacing)
    result = DenoiseAnisotropic(iterations=10)(image)
    values = result[0].numpy()
    np.testing.assert_allclose(result.affine, image.affine)
    for flat in (np.s_[3:12], np.s_[20:29]):
        assert values[flat].var() < 0.15 * step[flat].var()
        assert abs(values[flat].mean() - step[flat].mean()) < 0.5
    assert edge(values) > 0.94 * edge(step)
    blurred = gaussian_filter(step, 0.6)  # as much less noise by blurring costs the edge
    assert blurred[3:12].var() > 0.1 * step[3:12].var()
    assert edge(blurred) < 0.7 * edge(step)


def test_unit_does_not_matter(step):
    denoise = DenoiseAnisotropic()
    small = denoise(volume(step / 1000)) * 1000
    torch.testing.assert_close(small.as_tensor(), denoise(volume(step)).as_tensor(), rtol=1e-3, atol=0.05)


def test_outside_of_the_mask_nothing_changes(step):
    step[:, :12] = 0
    mask = volume(step != 0)
    data = DenoiseAnisotropicd(mask_key="brain_mask")({"image": volume(step), "brain_mask": mask})
    values = data["image"][0].numpy()
    np.testing.assert_array_equal(values[:, :12], 0)
    inside = DenoiseAnisotropic()(volume(step))[0].numpy()
    np.testing.assert_array_equal(values[:, 12:], inside[:, 12:])
    assert (inside[:, 11] != 0).any()


def test_bad_input_is_refused(step):
    with pytest.raises(ValueError, match="NaN or infinite"):
        DenoiseAnisotropic()(volume(np.where(step > 210, np.nan, step)))
    with pytest.raises(ValueError, match="brain mask is empty"):
        DenoiseAnisotropic()(volume(step), volume(step * 0))
    for options in ({"iterations": 0}, {"conductance": 0.0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            DenoiseAnisotropic(**options)
