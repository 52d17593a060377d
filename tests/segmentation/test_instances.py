"""Instances of synthetic label maps with known answers, and of a real tumour mask."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.io import load_label_volume
from monai_gan_recon.segmentation.instances import Instances, label_values, measure_regions

ANISOTROPIC = torch.diag(torch.tensor([0.5, 0.5, 6.0, 1.0], dtype=torch.float64))  # 1.5 mm³ a voxel


def volume(values, affine=ANISOTROPIC):
    return MetaTensor(torch.as_tensor(np.asarray(values))[None], affine=affine)


@pytest.fixture
def lesions():
    """Class 1: 24, 8 and 2 voxels; class 2: 27 voxels, touching the largest of class 1."""
    values = np.zeros((20, 20, 10), dtype=np.uint8)
    values[1:3, 1:5, 1:4] = 1
    values[3:6, 1:4, 1:4] = 2
    values[10:12, 10:12, 5:7] = 1
    values[15, 15, 8:10] = 1
    return values


def test_every_instance_is_found_and_numbered_by_class_and_size(lesions):
    result = Instances()(volume(lesions))
    expected = np.zeros(lesions.shape, dtype=np.int32)
    expected[1:3, 1:5, 1:4] = 1
    expected[10:12, 10:12, 5:7] = 2
    expected[15, 15, 8:10] = 3
    expected[3:6, 1:4, 1:4] = 4
    assert result.dtype == torch.int32
    np.testing.assert_array_equal(result[0].numpy(), expected)
    torch.testing.assert_close(result.affine, ANISOTROPIC)


@pytest.mark.parametrize(("minimum", "count"), [(0, 4), (3.0, 4), (3.1, 3), (12.0, 3), (12.1, 2), (41, 0)])
def test_minimum_size_counts_mm3_not_voxels(lesions, minimum, count):
    assert Instances(minimum_size_mm3=minimum)(volume(lesions)).max() == count  # 36, 12, 3 and 40.5 mm³
    coarse = torch.diag(torch.tensor([1.0, 1.0, 6.0, 1.0]))
    assert Instances(minimum_size_mm3=4 * minimum)(volume(lesions, coarse)).max() == count


@pytest.mark.parametrize(("connectivity", "count"), [(6, 3), (18, 2), (26, 1)])
def test_connectivity(connectivity, count):
    values = np.zeros((5, 5, 5), dtype=np.int16)
    values[1, 1, 1] = values[1, 2, 2] = values[2, 3, 3] = 7  # an edge apart, then a corner apart
    assert Instances(connectivity=connectivity)(volume(values)).max() == count


def test_classes_can_be_chosen(lesions):
    labels = volume(lesions)
    np.testing.assert_array_equal(Instances(classes=[2])(labels)[0].numpy(), lesions == 2)
    np.testing.assert_array_equal(labels[0].numpy(), lesions)


def test_plain_tensors_have_voxels_of_one_mm3(lesions):
    assert Instances(minimum_size_mm3=8)(torch.from_numpy(lesions)[None]).max() == 3


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.zeros(1, 4, 4, 4), "no voxel is labelled"),
        (torch.full((1, 4, 4, 4), float("nan")), "value nan"),
        (torch.full((1, 4, 4, 4), 0.5), "value 0.5"),
        (torch.full((1, 4, 4, 4), -1), "value -1"),
        (torch.ones(4, 4, 4), "one real volume"),
    ],
)
def test_what_is_no_label_map_is_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        label_values(labels)
    with pytest.raises(ValueError, match=message):
        Instances()(labels)


@pytest.mark.parametrize("options", [{"minimum_size_mm3": -1}, {"minimum_size_mm3": float("inf")}, {"connectivity": 4}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=r"minimum_size_mm3|connectivity"):
        Instances(**options)


def test_real_tumour_has_two_parts(data_dir):
    path = data_dir / "tumour" / "brain1_label.nrrd"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    labels = load_label_volume(path)
    instances = Instances(minimum_size_mm3=100)(labels)
    regions = measure_regions(instances, labels)
    assert [(region.label, region.voxels) for region in regions] == [(1, 3524), (1, 613)]
    assert sum(region.volume_ml for region in regions) == pytest.approx(4137 * 0.78125**2 * 6.5 / 1000)
    for region in regions:
        found = np.nonzero(instances[0].numpy() == region.instance)
        assert region.box_start == tuple(int(i.min()) for i in found)
        assert region.box_stop == tuple(int(i.max()) + 1 for i in found)
        size = np.subtract(region.box_stop, region.box_start) * (0.78125, 0.78125, 6.5)
        np.testing.assert_allclose(np.subtract(region.world_max, region.world_min), size)
    large = Instances(minimum_size_mm3=613 * 0.78125**2 * 6.5 + 1)(labels)
    np.testing.assert_array_equal(large.numpy(), instances.numpy() == 1)
