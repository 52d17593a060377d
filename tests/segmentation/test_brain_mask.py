"""Brain masks of stripped, noisy and bad volumes."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.segmentation.brain_mask import BrainMask, BrainMaskd, mask_values

SPACING = (1.0, 1.0, 2.0)


def ball(shape=(40, 40, 20), radius=12.0, centre=(20, 20, 10), spacing=SPACING):
    grid = np.ogrid[tuple(slice(n) for n in shape)]
    distance = sum(((g - c) * s) ** 2 for g, c, s in zip(grid, centre, spacing, strict=True))
    return distance <= radius**2


def volume(values):
    return MetaTensor(
        torch.as_tensor(values, dtype=torch.float32)[None], affine=torch.diag(torch.tensor([*SPACING, 1.0]))
    )


def test_stripped_image_gives_its_foreground_with_ventricles():
    brain = ball()
    values = brain * 100.0
    values[18:22, 18:22, 9:11] = 0  # a ventricle of exactly 0
    values[20, 20, 15] = 0.01  # a dark voxel of the brain
    mask = BrainMask()(volume(values))
    assert mask.dtype == torch.bool
    np.testing.assert_array_equal(mask[0].numpy(), brain)
    np.testing.assert_allclose(mask.affine, np.diag([*SPACING, 1]))


def test_noisy_background_gives_the_largest_bright_region():
    rng = np.random.default_rng(0)
    brain = ball()
    values = np.abs(brain * 100.0 + rng.normal(0, 5, brain.shape))
    values[1:4, 1:4, 1:3] = 200  # a bright thing that is no brain
    values[19:21, 19:21, 9:11] = 10  # a dark ventricle
    mask = BrainMask()(volume(values))[0].numpy()
    assert not mask[1:4, 1:4, 1:3].any()
    assert mask[19:21, 19:21, 9:11].all()
    assert 2 * (mask & brain).sum() / (mask.sum() + brain.sum()) > 0.99


def test_closing_is_measured_in_mm():
    values = np.full((30, 30, 30), 1.0)
    values[5:25, 5:25, 5:25] = 100
    values[5:17, 15, 12] = 1  # a groove one voxel wide, open to the surface: 1 mm across x and z
    image = MetaTensor(torch.as_tensor(values)[None], affine=torch.eye(4))
    assert BrainMask(closing_mm=2)(image)[0, 12, 15, 12]
    wide = MetaTensor(torch.as_tensor(values)[None], affine=torch.diag(torch.tensor([5.0, 5, 5, 1])))
    assert not BrainMask(closing_mm=2)(wide)[0, 5, 15, 12]


def test_method_nonzero_takes_all_that_is_not_zero():
    values = np.ones((6, 6, 6))
    values[2, 2, 0] = 0
    assert BrainMask("nonzero")(volume(values)).sum() == 6**3 - 1


def test_dictionary_adds_the_mask_and_keeps_the_image():
    image = volume(ball() * 3.0)
    data = BrainMaskd()({"image": image, "case": "a"})
    assert data["image"] is image
    assert torch.equal(data["brain_mask"], BrainMask()(image))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(1, 4, 4, 4), "0 everywhere"),
        (torch.ones(1, 4, 4, 4), "constant"),
        (torch.full((1, 4, 4, 4), float("nan")), "64 of 64 values that are NaN"),
        (torch.ones(4, 4, 4), r"volume \(1, X, Y, Z\) is needed"),
        (torch.ones(1, 4, 4, 4, dtype=torch.complex64), "not complex"),
    ],
)
def test_images_without_a_brain_are_refused(image, message):
    with pytest.raises(ValueError, match=message):
        BrainMask()(image)


def test_masks_that_do_not_fit_are_refused():
    image = volume(ball() * 3.0)
    with pytest.raises(ValueError, match="brain mask is empty"):
        mask_values(torch.zeros_like(image), image)
    with pytest.raises(ValueError, match="on its grid"):
        mask_values(torch.ones(1, 4, 4, 4), image)
    with pytest.raises(ValueError, match="affine"):
        mask_values(MetaTensor(torch.ones(1, 40, 40, 20), affine=torch.eye(4)), image)


@pytest.mark.parametrize("arguments", [("mean",), ("otsu", -1.0), ("otsu", 3.0, 0.0)])
def test_options_out_of_range_are_refused(arguments):
    with pytest.raises(ValueError, match=r"unknown method|closing_mm|otsu_fraction"):
        BrainMask(*arguments)
