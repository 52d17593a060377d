"""Min-Max scaling: the equation, its inverse, and the round trip through MONAI's Invertd."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd

from monai_gan_recon.transforms.geometry import CropPadSlicesd, SlicesOfPlaned
from monai_gan_recon.transforms.intensity import ScaleMinMax, ScaleMinMaxd

OBLIQUE = np.array([[-0.9, 0.13, 0.2, 40], [-0.15, -1.06, 0.35, 55], [0.12, -0.17, 1.95, -30], [0, 0, 0, 1]])


def volume(shape=(1, 20, 24, 18)):
    values = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 900 - 100
    return MetaTensor(values, affine=torch.from_numpy(OBLIQUE))


def test_equation_1():
    image = volume()
    scaled = ScaleMinMax()(image)
    m = image.numpy().astype(np.float64)
    np.testing.assert_allclose(scaled.numpy(), (m - m.min()) / (m.max() - m.min()), atol=1e-6)
    assert scaled.min() == 0
    assert scaled.max() == 1
    assert scaled.dtype == torch.float32


def test_inverse_restores_intensities_and_affine():
    image, transform = volume(), ScaleMinMax()
    back = transform.inverse(transform(image))
    np.testing.assert_allclose(back.numpy(), image.numpy(), atol=1e-3)
    np.testing.assert_allclose(back.affine, OBLIQUE)
    assert not back.applied_operations


def test_integer_input_and_untouched_original():
    image = MetaTensor(torch.arange(24, dtype=torch.int16).reshape(1, 2, 3, 4))
    scaled = ScaleMinMaxd("image")({"image": image, "person": "a"})
    torch.testing.assert_close(scaled["image"].as_tensor(), torch.arange(24).reshape(1, 2, 3, 4) / 23)
    assert torch.equal(image.as_tensor(), torch.arange(24, dtype=torch.int16).reshape(1, 2, 3, 4))
    assert not image.applied_operations


def test_keys_are_scaled_by_their_own_range():
    data = ScaleMinMaxd(["image", "other"])({"image": volume(), "other": volume() * 7 + 5})
    torch.testing.assert_close(data["image"].as_tensor(), data["other"].as_tensor(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_images_without_range_are_refused(value):
    image = torch.full((1, 4, 4, 4), 3.0)
    if value is not None:
        image[0, 0, 0] = torch.linspace(0, 1, 4)
        image[0, 1, 1, 1] = value
    with pytest.raises(ValueError, match="finite image that is not constant"):
        ScaleMinMax()(MetaTensor(image))


def test_complex_image_is_refused():
    with pytest.raises(ValueError, match="complex"):
        ScaleMinMax()(torch.ones(1, 4, 4, dtype=torch.complex64))


@pytest.mark.parametrize("plane", ["coronal", "axial", "sagittal"])
@pytest.mark.parametrize("size", [None, (32, 40), (16, 40), (16, 16)])
def test_prediction_goes_back_to_the_volume_it_came_from(plane, size):
    preprocessing = Compose([ScaleMinMaxd("image"), SlicesOfPlaned("image", plane), CropPadSlicesd("image", size)])
    image = volume()
    data = preprocessing({"image": image})
    data["pred"] = MetaTensor(data["image"].as_tensor() * 0.5)  # a network's output: no affine, no history
    result = Invertd("pred", preprocessing, orig_keys="image", nearest_interp=False)(data)["pred"]
    assert result.shape == image.shape
    np.testing.assert_allclose(result.affine, OBLIQUE, atol=1e-6)
    low = image.min()
    expected = (low + (image - low) / 2).as_tensor()
    restored = torch.isclose(result.as_tensor(), expected, atol=1e-2, rtol=0)
    cut_away = torch.isclose(result.as_tensor(), torch.full_like(expected, low.item()), atol=1e-2, rtol=0)
    assert bool((restored | cut_away).all())
    slices, rows, columns = SlicesOfPlaned("image", plane)({"image": image})["image"].shape[1:]
    kept = slices * (rows * columns if size is None else min(rows, size[0]) * min(columns, size[1]))
    assert kept <= int(restored.sum()) <= kept + 0.01 * image.numel()
    assert data["image"].applied_operations, "the input keeps its own history"
