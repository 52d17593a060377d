"""Volume to slices: the displayed orientation, the affine, centre crop and padding, and the way back."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.transforms.geometry import (
    CropPadSlices,
    CropPadSlicesd,
    RandForegroundCropd,
    SlicesOfPlane,
    SlicesOfPlaned,
    check_crop,
    plane_axcodes,
)

OBLIQUE = np.array([[-0.9, 0.13, 0.2, 40], [-0.15, -1.06, 0.35, 55], [0.12, -0.17, 1.95, -30], [0, 0, 0, 1]])
R, A, S = range(3)


def numbered(affine=OBLIQUE, shape=(1, 20, 24, 18)):
    values = torch.arange(int(np.prod(shape)), dtype=torch.float32).reshape(shape)
    return MetaTensor(values, affine=torch.as_tensor(affine, dtype=torch.float64))


@pytest.mark.parametrize(
    ("plane", "axes"),
    [
        ("coronal", [(A, 1), (S, -1), (R, -1)]),
        ("axial", [(S, 1), (A, -1), (R, -1)]),
        ("sagittal", [(R, 1), (S, -1), (A, 1)]),
    ],
)
@pytest.mark.parametrize("affine", [np.eye(4), np.diag([-1, 1, 1, 1]), np.diag([1, -1, -1, 1]), OBLIQUE])
def test_axes_point_as_displayed(plane, axes, affine):
    slices = SlicesOfPlane(plane)(numbered(affine))
    directions = slices.affine[:3, :3].numpy()
    for column, (anatomical, sign) in enumerate(axes):
        assert np.argmax(np.abs(directions[:, column])) == anatomical
        assert np.sign(directions[anatomical, column]) == sign


def test_every_voxel_keeps_its_place_in_the_world():
    image = numbered()
    slices = SlicesOfPlane("coronal")(image)
    for voxel in ((0, 0, 0), (3, 7, 11), (17, 20, 2)):
        value = image[(0, *voxel)].item()
        found = np.argwhere(slices.numpy()[0] == value)[0]
        np.testing.assert_allclose(slices.affine.numpy() @ [*found, 1.0], OBLIQUE @ [*voxel, 1], atol=1e-6)


@pytest.mark.parametrize("plane", ["coronal", "axial", "sagittal"])
def test_slices_go_back(plane):
    image = numbered()
    transform = SlicesOfPlaned("image", plane)
    back = transform.inverse(transform({"image": image}))["image"]
    assert torch.equal(back.as_tensor(), image.as_tensor())
    np.testing.assert_allclose(back.affine, OBLIQUE, atol=1e-9)


def test_volumes_of_several_planes_go_back_in_any_order():
    """The plane belongs to the volume, not to the transform."""
    transform = SlicesOfPlaned("image", plane=None)
    thick, planes = numbered(shape=(1, 20, 24, 5)), ("axial", "sagittal", "coronal", None)
    there = [transform({"image": numbered(), "plane": plane})["image"] for plane in planes]
    there += [transform({"image": thick, "plane": "coronal"})["image"]]
    # x goes to the left, y to the posterior, z to the superior
    assert [tuple(image.shape[1:]) for image in there] == [
        (18, 24, 20), (20, 18, 24), (24, 18, 20), (24, 18, 20), (5, 24, 20)
    ]  # fmt: skip
    for image, original in zip(there, [*[numbered()] * 4, thick], strict=True):
        back = transform.inverse({"image": image})["image"]
        assert torch.equal(back.as_tensor(), original.as_tensor())
        np.testing.assert_allclose(back.affine, OBLIQUE, atol=1e-9)


def test_unknown_plane_and_wrong_shape():
    for build in (plane_axcodes, SlicesOfPlane, lambda p: SlicesOfPlaned("image", p)):
        with pytest.raises(ValueError, match="unknown plane 'frontal'; choose one of coronal, axial, sagittal"):
            build("frontal")
    with pytest.raises(ValueError, match="taken from a volume"):
        SlicesOfPlane()(numbered(shape=(1, 20, 24)))


@pytest.mark.parametrize("shape", [(1, 5, 40, 51), (1, 40, 51)])
@pytest.mark.parametrize("size", [(64, 128), (32, 33), (64, 32), (40, 51)])
def test_crop_and_padding_keep_the_centre(shape, size):
    image = numbered(shape=shape)
    result = CropPadSlices(size)(image)
    assert result.shape == (*shape[:-2], *size)
    shift = (np.linalg.inv(image.affine.numpy()) @ result.affine.numpy())[:3, 3].round(6)
    in_plane = shift[len(shape) - 3 : len(shape) - 1]
    centre = (np.array(size) - 1) / 2 + in_plane
    assert np.abs(centre - (np.array(shape[-2:]) - 1) / 2).max() <= 0.5
    rows, columns = (np.arange(n) + int(t) for n, t in zip(size, in_plane, strict=True))
    padded = np.pad(image.numpy(), [(0, 0)] * (len(shape) - 2) + [(128, 128), (128, 128)])
    np.testing.assert_array_equal(result.numpy(), padded[..., rows[:, None] + 128, columns + 128])


@pytest.mark.parametrize("shape", [(1, 5, 40, 51), (1, 40, 51)])
def test_padding_goes_back_exactly_and_crop_with_zeros(shape):
    image = numbered(shape=shape)
    padding, cropping = CropPadSlicesd("image", (64, 64)), CropPadSlicesd("image", (16, 64))
    back = padding.inverse(padding({"image": image}))["image"]
    assert torch.equal(back.as_tensor(), image.as_tensor())
    cut = cropping.inverse(cropping({"image": image}))["image"].as_tensor()
    assert cut.shape == image.shape
    assert torch.equal(cut[..., 12:28, :], image.as_tensor()[..., 12:28, :])
    assert cut[..., :12, :].abs().max() == 0


def test_crop_moves_the_affine_with_the_image():
    image = numbered(shape=(1, 4, 40, 52))
    result = CropPadSlices((20, 60))(image)
    np.testing.assert_allclose(result.affine.numpy() @ [2, 10.0, 30.0, 1], OBLIQUE @ [2, 20.0, 26.0, 1], atol=1e-6)


def test_without_size_slices_stay_whole():
    image = numbered()
    transform = CropPadSlices(None)
    assert transform(image) is image
    assert transform.inverse(image) is image


@pytest.mark.parametrize(
    "size",
    [
        (64,),
        64,
        (64, 8),
        (64, 64, 64),
        (64.5, 64),
        ("64", "x"),
        "64",
        "ab",
        (True, 64),
        (64, 10**5),
        {64: 1, 32: 2},
    ],
)
def test_wrong_size(size):
    with pytest.raises(ValueError, match="size"):
        CropPadSlices(size)
    with pytest.raises(ValueError, match="crop"):
        check_crop(size, (64, 64))


def test_crops_lie_within_slices():
    check_crop((16, 64), (64, 64))
    check_crop((128, 64), None)
    with pytest.raises(ValueError, match="crop"):
        check_crop((128, 64), (64, 64))
    with pytest.raises(ValueError, match="crop"):
        RandForegroundCropd("image", (16, 64))({"image": torch.ones(1, 32, 32)})


def test_wrong_shape_for_crop():
    with pytest.raises(ValueError, match="slices must be"):
        CropPadSlices((16, 16))(torch.zeros(40, 40))


def test_random_crops_show_the_object_and_cover_it():
    image = torch.zeros(1, 64, 40)
    image[:, 10:20, 5:30] = torch.rand(1, 10, 25) + 0.5
    crop = RandForegroundCropd("image", [16, 24], min_foreground=0.1).set_random_state(seed=0)
    crops = [crop({"image": image})["image"] for _ in range(200)]
    assert {tuple(c.shape) for c in crops} == {(1, 16, 24)}
    assert min(float((c > 0).float().mean()) for c in crops) >= 0.1
    assert len({float(c.sum()) for c in crops}) > 50
    again = RandForegroundCropd("image", [16, 24], min_foreground=0.1).set_random_state(seed=0)
    assert torch.equal(again({"image": image})["image"], crops[0])
    fullest = RandForegroundCropd("image", [16, 24], min_foreground=1.0)({"image": image})["image"]
    assert float((fullest > 0).float().sum()) == 240


def test_an_empty_slice_is_cropped_somewhere():
    assert RandForegroundCropd("image", [16, 16])({"image": torch.zeros(1, 20, 20)})["image"].shape == (
        1,
        16,
        16,
    )


@pytest.mark.parametrize("plane", ["coronal", "axial", "sagittal"])
@pytest.mark.parametrize("angle", [45, 135, -45])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_volume_oblique_by_45_degrees_comes_back(plane, angle, axis):
    """Two axes are equally near to two anatomical ones."""
    turn, (i, j) = np.eye(4), [k for k in range(3) if k != axis]
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn[[i, i, j, j], [i, j, i, j]] = c, -s, s, c
    for tie in (turn, np.where(np.abs(turn) > 0.1, np.sign(turn) * np.where(turn == 1, 1, np.sqrt(0.5)), 0)):
        image, transform = numbered(tie), SlicesOfPlane(plane)
        back = transform.inverse(transform(image))
        assert torch.equal(back.as_tensor(), image.as_tensor())
        np.testing.assert_allclose(back.affine, image.affine, atol=1e-12)
