"""Boxes, volumes and centroids of known regions, on straight, flipped and oblique grids."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.segmentation.instances import class_volumes, measure_regions, world_box


def rotation(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def affine(matrix, offset=(0.0, 0.0, 0.0)):
    result = np.eye(4)
    result[:3, :3], result[:3, 3] = matrix, offset
    return result


@pytest.fixture
def labels():
    values = np.zeros((12, 10, 8), dtype=np.int64)
    values[2:5, 1:3, 4:8] = 2  # 24 voxels
    values[8:9, 8:10, 0:1] = 1  # 2 voxels
    return values


def measure(labels, matrix):
    instances = MetaTensor(torch.from_numpy(np.where(labels == 2, 5, labels))[None], affine=matrix)
    return measure_regions(instances, MetaTensor(torch.from_numpy(labels)[None], affine=matrix))


def test_voxel_measures(labels):
    small, large = measure(labels, np.eye(4))
    assert (small.instance, small.label, small.voxels) == (1, 1, 2)
    assert (small.box_start, small.box_stop) == ((8, 8, 0), (9, 10, 1))
    assert small.centroid_voxel == (8.0, 8.5, 0.0)
    assert (large.instance, large.label, large.voxels) == (5, 2, 24)
    assert (large.box_start, large.box_stop) == ((2, 1, 4), (5, 3, 8))
    assert large.centroid_voxel == (3.0, 1.5, 5.5)
    assert large.volume_ml == 0.024
    assert (large.world_min, large.world_max) == ((1.5, 0.5, 3.5), (4.5, 2.5, 7.5))
    assert large.centroid_world == large.centroid_voxel


def test_flipped_anisotropic_grid(labels):
    large = measure(labels, affine(np.diag([-2.0, 0.5, 3.0]), (100.0, -20.0, 10.0)))[1]
    assert large.volume_ml == pytest.approx(24 * 3 / 1000)
    np.testing.assert_allclose(large.world_min, (91.0, -19.75, 20.5))
    np.testing.assert_allclose(large.world_max, (97.0, -18.75, 32.5))
    np.testing.assert_allclose(large.centroid_world, (94.0, -19.25, 26.5))


def test_oblique_grid_boxes_reach_around_all_corners(labels):
    matrix = affine(rotation(30) @ np.diag([2.0, 1.0, 3.0]), (5.0, 6.0, 7.0))
    large = measure(labels, matrix)[1]
    assert large.volume_ml == pytest.approx(24 * 6 / 1000)
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    # box of voxel edges: i 1.5 to 4.5, j 0.5 to 2.5, k 3.5 to 7.5
    np.testing.assert_allclose(large.world_min, (5 + 3 * c - 2.5 * s, 6 + 3 * s + 0.5 * c, 7 + 10.5))
    np.testing.assert_allclose(large.world_max, (5 + 9 * c - 0.5 * s, 6 + 9 * s + 2.5 * c, 7 + 22.5))
    np.testing.assert_allclose(large.centroid_world, (5 + 6 * c - 1.5 * s, 6 + 6 * s + 1.5 * c, 7 + 16.5))


def test_two_opposite_corners_would_not_do():
    low, high = world_box((0, 0, 0), (2, 2, 2), affine(rotation(45)))
    np.testing.assert_allclose(low, (-np.sqrt(2), -np.sqrt(0.5), -0.5), atol=1e-12)
    np.testing.assert_allclose(high, (np.sqrt(2), 3 * np.sqrt(0.5), 1.5), atol=1e-12)


def test_class_volumes(labels):
    volume = MetaTensor(torch.from_numpy(labels)[None], affine=affine(np.diag([-2.0, 0.5, 3.0])))
    assert class_volumes(volume) == pytest.approx({1: 0.006, 2: 0.072})


def test_no_instance_gives_no_region(labels):
    assert measure_regions(torch.zeros(1, 12, 10, 8), torch.from_numpy(labels)[None]) == []


def test_instances_of_other_labels_are_refused(labels):
    ones = torch.ones(1, 12, 10, 8, dtype=torch.int32)
    with pytest.raises(ValueError, match="several classes"):
        measure_regions(ones, torch.from_numpy(labels)[None])
    with pytest.raises(ValueError, match="do not fit"):
        measure_regions(ones[..., :4], torch.from_numpy(labels)[None])
