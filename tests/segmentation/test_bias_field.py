"""N4 recovers a known smooth field, keeps the brightness and the geometry."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd, Orientationd

from monai_gan_recon.segmentation.preprocessing import CorrectBiasField, CorrectBiasFieldd

AFFINE = torch.tensor([[-3.0, 0, 0, 50], [0, 3, 0, -40], [0, 0, 4, 7], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def phantom():
    """Three tissues with fine structure in an ellipsoid, without and with a smooth field of a factor of 1.6."""
    rng = np.random.default_rng(0)
    shape = (48, 48, 36)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    brain = x**2 + y**2 + z**2 < 0.85
    tissue = np.digitize(np.sin(9 * x) * np.sin(8 * y) * np.cos(7 * z), [-0.15, 0.15])
    clean = np.array([40.0, 80.0, 110.0])[tissue] * brain * (1 + 0.02 * rng.normal(size=shape))
    log_field = 0.25 * x - 0.2 * y * z + 0.2 * z**2
    field = np.exp(log_field - log_field[brain].mean())
    return clean, field, brain, tissue


def volume(values):
    return MetaTensor(torch.as_tensor(values, dtype=torch.float32)[None], affine=AFFINE)


def test_a_known_field_is_recovered(phantom):
    clean, field, brain, tissue = phantom
    found = CorrectBiasField(fit_spacing=8, iterations=(30, 30, 30))
    estimate = found.field(volume(clean * field))
    assert np.ptp(np.log(field[brain])) > 0.45
    error = np.log(estimate / field)[brain]
    assert error.std() < 0.1 * np.log(field[brain]).std()
    corrected = found(volume(clean * field))[0].numpy()
    for k in range(3):
        inside = brain & (tissue == k)
        before, after = ((v[inside].std() / v[inside].mean()) for v in (clean * field, corrected))
        assert after < before / 3
    np.testing.assert_allclose(np.log(estimate[brain]).mean(), 0, atol=1e-5)
    np.testing.assert_array_equal(corrected[~brain], 0)


def test_fit_is_the_same_in_other_units_and_given_the_mask(phantom):
    clean, field, brain, _ = phantom
    correct = CorrectBiasField(12, (15, 15))
    image = volume(clean * field)
    reference = correct.field(image)
    np.testing.assert_allclose(correct.field(image * 1000), reference, rtol=2e-3)
    data = {"image": image, "brain_mask": volume(brain) > 0}
    result = CorrectBiasFieldd(mask_key="brain_mask", fit_spacing=12, iterations=(15, 15))(data)["image"]
    torch.testing.assert_close(result.as_tensor(), correct(image).as_tensor())
    half = brain.copy()
    half[24:] = False
    assert np.abs(correct.field(image, volume(half)) / reference - 1)[brain & ~half].max() > 0.02


def test_history_is_kept_so_that_geometry_can_be_undone(phantom):
    clean, field, *_ = phantom
    image = volume(clean * field)
    steps = Compose([Orientationd("image", "RAS", labels=None), CorrectBiasFieldd(fit_spacing=10, iterations=(5,))])
    data = steps({"image": image})
    assert data["image"].dtype == torch.float32
    np.testing.assert_allclose(np.diag(data["image"].affine), [3, 3, 4, 1])
    data["pred"] = MetaTensor(data["image"].as_tensor())
    back = Invertd("pred", steps, orig_keys="image", nearest_interp=False)(data)["pred"]
    assert back.shape == image.shape
    np.testing.assert_allclose(back.affine, AFFINE)


def test_thin_mask_that_shrinking_misses_is_fitted_on_all_voxels(phantom):
    clean, field, brain, _ = phantom
    thin = np.zeros_like(brain)
    thin[1:47, 1:47, 18] = brain[1:47, 1:47, 18]
    coarse = CorrectBiasField(fit_spacing=1000, iterations=(5,)).field(volume(clean * field), volume(thin))
    fine = CorrectBiasField(fit_spacing=1, iterations=(5,)).field(volume(clean * field), volume(thin))
    assert np.isfinite(coarse).all()
    assert coarse.shape == fine.shape == clean.shape


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(1, 9, 9, 9), "0 everywhere"),
        (torch.full((1, 9, 9, 9), float("inf")), "NaN or infinite"),
        (-torch.rand(1, 9, 9, 9, generator=torch.Generator().manual_seed(0)), "nowhere above 0"),
        (torch.ones(1, 9, 9, 9), "constant"),
    ],
)
def test_images_without_a_brain_are_refused(image, message):
    with pytest.raises(ValueError, match=message):
        CorrectBiasField()(image, torch.ones(1, 9, 9, 9))


@pytest.mark.parametrize("options", [{"fit_spacing": 0}, {"tolerance": 0}, {"iterations": ()}, {"iterations": (5, 0)}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        CorrectBiasField(**options)
