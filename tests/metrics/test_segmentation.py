"""Agreement of label maps: boxes of known overlap, distance and volume; classes that are absent."""

import math

import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.metrics.segmentation import (
    SEGMENTATION_METRICS,
    dice,
    hausdorff95,
    segmentation_metrics,
    volume_difference,
)

SPACING = (1.0, 2.5, 0.5)
CLASSES = {1: "csf", 2: "gm", 3: "wm"}


def box(start, size=(10, 8, 6), label=2, shape=(30, 28, 26)):
    labels = torch.zeros(1, *shape, dtype=torch.uint8)
    labels[(0, *(slice(a, a + n) for a, n in zip(start, size, strict=True)))] = label
    return labels


@pytest.mark.parametrize("shift", range(11))
def test_dice_of_boxes_is_their_overlap(shift):
    first, second = box((5, 5, 5)), box((5 + shift, 5, 5))
    assert dice(second, first, [2]).item() == pytest.approx(1 - shift / 10)
    assert dice(first, second, [2]).item() == pytest.approx(1 - shift / 10)


def test_dice_of_a_box_in_a_larger_one():
    small, large = box((5, 5, 5), (5, 4, 3)), box((5, 5, 5), (10, 8, 6))
    assert dice(small, large, [2]).item() == pytest.approx(2 * 60 / (60 + 480))


@pytest.mark.parametrize(("axis", "steps"), [(0, 1), (0, 4), (1, 1), (1, 3), (2, 2)])
def test_hausdorff_of_a_shifted_box_is_the_shift_in_mm(axis, steps):
    start = [5, 5, 5]
    start[axis] += steps
    # a shift much smaller than the box, along which a face of more than 5 % of the surface moves
    distance = hausdorff95(box(start), box((5, 5, 5)), [2], SPACING)
    assert distance.item() == pytest.approx(steps * SPACING[axis])


def test_hausdorff_is_a_percentile_and_takes_the_worse_direction():
    reference = box((2, 2, 2), (20, 20, 20))
    speck = reference.clone()
    speck[0, 28, 26, 24] = 2
    assert hausdorff95(speck, reference, [2], (1, 1, 1)).item() == 0  # one voxel of thousands
    half = box((2, 2, 2), (10, 20, 20))
    one_way = hausdorff95(half, reference, [2], (1, 1, 1)).item()
    assert one_way == hausdorff95(reference, half, [2], (1, 1, 1)).item()
    assert one_way == pytest.approx(10)


def test_volume_difference_in_ml():
    difference = volume_difference(box((2, 2, 2), (10, 8, 6)), box((9, 9, 9), (10, 10, 6)), [2], SPACING)
    assert difference.item() == pytest.approx((480 - 600) * 1.25 / 1000)


def test_identical_maps():
    labels = box((5, 5, 5))
    scores = segmentation_metrics(labels, labels.clone(), {2: "gm"}, SPACING)
    assert scores == {"dice": {"gm": 1.0}, "hd95_mm": {"gm": 0.0}, "volume_difference_ml": {"gm": 0.0}}


def test_absent_classes_are_neither_0_nor_1():
    image, truth = box((5, 5, 5), label=1), box((5, 5, 5), label=2)
    scores = segmentation_metrics(MetaTensor(image), MetaTensor(truth), CLASSES, (1, 1, 1))
    assert tuple(scores) == SEGMENTATION_METRICS
    assert scores["dice"]["csf"] == scores["dice"]["gm"] == 0
    assert scores["hd95_mm"]["csf"] == scores["hd95_mm"]["gm"] == math.inf
    assert scores["volume_difference_ml"]["csf"] == pytest.approx(0.48)
    assert scores["volume_difference_ml"]["gm"] == pytest.approx(-0.48)
    assert all(math.isnan(values["wm"]) for values in scores.values())


def test_maps_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        dice(torch.zeros(1, 4, 4, 4), torch.zeros(1, 4, 4, 5), [1])
