"""Simulated heads: the brain in them is the one that was given, and what surrounds it is a head."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy import ndimage

from monai_gan_recon.simulation import Part, RandHead, RandHeadAnatomy, RandHeadImage

SPACING = 4.0


@pytest.fixture(scope="module")
def brain():
    """An ellipsoid of 144 x 172 x 128 mm with ventricles and a cortex, in LPS voxels of 4 mm, with a frame of 0."""
    axes = [np.arange(-n, n + 1) * SPACING for n in (20, 24, 18)]
    grid = np.meshgrid(*axes, indexing="ij")
    radius = np.sqrt(sum((x / half) ** 2 for x, half in zip(grid, (72, 86, 64), strict=True)))
    values = np.select([radius < 0.25, radius < 0.85, radius < 1], [200.0, 900.0, 600.0], 0.0).astype(np.float32)
    affine = np.diag([-SPACING, -SPACING, SPACING, 1.0])
    affine[:3, 3] = (83.0, 91.0, -75.0)
    return MetaTensor(torch.from_numpy(values)[None], affine=torch.from_numpy(affine))


def world_centre(mask):
    at = np.argwhere(mask.as_tensor()[0].numpy()).mean(axis=0)
    return (mask.affine.numpy() @ [*at, 1.0])[:3]


def test_the_brain_is_known_and_lies_where_it_lay(brain):
    head = RandHeadAnatomy().set_random_state(3)(brain)
    inside = head.mask.as_tensor()[0].numpy()
    assert inside.sum() == int((brain != 0).sum())
    assert np.array_equal(np.sort(head.brain[0].numpy()[inside]), np.sort(brain.as_tensor()[brain.as_tensor() != 0]))
    original = MetaTensor(brain.as_tensor() != 0, affine=brain.affine)
    assert world_centre(head.mask) == pytest.approx(world_centre(original), abs=1e-3)
    assert np.allclose(np.diag(head.parts.affine.numpy())[:3], SPACING)  # RAS


@pytest.mark.parametrize("seed", range(3))
def test_skull_and_skin_surround_the_brain(brain, seed):
    parts = RandHeadAnatomy().set_random_state(seed)(brain).parts.as_tensor()[0].numpy()
    assert {Part.CSF, Part.BONE, Part.SKIN, Part.FAT, Part.AIR} <= {Part(int(part)) for part in np.unique(parts)}
    inside = parts == Part.BRAIN
    assert not (ndimage.binary_dilation(inside) & (parts == Part.AIR)).any()
    air = ndimage.distance_transform_edt(parts != Part.AIR, (SPACING,) * 3)
    assert np.quantile(air[inside], 0.001) > SPACING  # a skull's breadth lies between
    assert not inside[:, :, 0].any()
    assert not inside[0].any()


def test_same_seed_same_head(brain):
    first, again, other = (RandHead().set_random_state(seed)(brain) for seed in (5, 5, 6))
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one.as_tensor(), two.as_tensor())
    assert not torch.equal(first[0].as_tensor(), other[0].as_tensor())


@pytest.mark.parametrize("contrast", ["t1", "t2", "flair", "random"])
def test_images_are_finite_magnitudes_of_that_contrast(brain, contrast):
    make = RandHead((contrast,), faults=0).set_random_state(1)
    image, mask = make(brain)
    values, inside = image.as_tensor()[0].numpy(), mask.as_tensor()[0].numpy()
    assert np.isfinite(values).all()
    assert values.min() >= 0
    assert 0 < np.median(values[inside]) < 2.5
    assert inside.sum() == int((brain != 0).sum())
    core = np.linalg.norm(np.argwhere(inside) - np.argwhere(inside).mean(axis=0), axis=1) * SPACING
    fluid, white = (np.median(values[inside][(core >= low) & (core < high)]) for low, high in ((0, 10), (28, 48)))
    if contrast in ("t1", "flair"):
        assert fluid < white
    elif contrast == "t2":
        assert fluid > white


def test_a_cut_field_of_view_cuts_the_mask_as_well(brain):
    anatomy = RandHeadAnatomy().set_random_state(0)(brain)
    show = RandHeadImage(("t1",)).set_random_state(0)
    cut = 0
    for _ in range(12):
        image, mask = show(anatomy)
        unseen = image.as_tensor() == 0
        assert not (mask.as_tensor() & unseen).any()
        cut += bool(mask.sum() < anatomy.mask.sum())
    assert cut > 0


@pytest.mark.parametrize(
    ("wrong", "word"),
    [(torch.zeros(1, 8, 8, 8), "0"), (torch.ones(8, 8, 8), "shape"), (torch.ones(2, 8, 8, 8), "shape")],
)
def test_what_is_no_brain_is_refused(wrong, word):
    with pytest.raises(ValueError, match=word):
        RandHeadAnatomy()(wrong)


@pytest.mark.parametrize("options", [{"contrasts": ("pd",)}, {"contrasts": ()}, {"faults": 2}])
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match="contrasts"):
        RandHeadImage(**options)
