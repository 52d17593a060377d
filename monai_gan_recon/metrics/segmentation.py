"""Agreement of two label maps, tissue by tissue: Dice, Hausdorff 95, difference of volume.

One convention for all of them: a class absent from both maps has no score (NaN, to be left out of every mean); a
class in only one of the two has Dice 0 and an infinite Hausdorff distance.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence

import torch
from monai.data import MetaTensor
from monai.metrics import compute_dice, compute_hausdorff_distance
from torch import Tensor

SEGMENTATION_METRICS = ("dice", "hd95_mm", "volume_difference_ml")
"""Metrics of a segmentation, in the order of tables and files."""

HAUSDORFF_PERCENTILE = 95.0
"""Percentile of the distances from each surface to the other; the larger of the two directions counts."""


SEGMENTATION_CONVENTIONS: dict[str, object] = {
    "dice": "2 |A and B| / (|A| + |B|); 0 where only one of the two has the tissue",
    "hd95_mm": f"larger of the two directed {HAUSDORFF_PERCENTILE:g} % percentiles of surface distances",
    "volume_difference_ml": "volume minus that of the reference",
    "absent": "a tissue absent from both is left out of every mean; n counts the people that remain",
    "infinite": "hd95_mm is infinite where only one of the two has the tissue: counted by n_infinite, not averaged",
    "averaging": "scan, then person, then data set",
    "ci95": "half width of the 95 % confidence interval over people (Student's t); null for one person",
}
"""The conventions as they stand in every ``metrics.json`` of segmentations."""


def dice(labels: Tensor, reference: Tensor, classes: Sequence[int]) -> Tensor:
    r"""Dice :math:`2 |A \cap B| / (|A| + |B|)` of each class, by MONAI.

    Args:
        labels: label map (1, X, Y, Z) or (X, Y, Z) of whole numbers; any shape that the reference has too.
        reference: the other label map.
        classes: labels to score.

    Returns:
        (number of classes,), in [0, 1]; 0 if only one map has the class, NaN if neither has.

    Raises:
        ValueError: if the two differ in shape.
    """
    scores = []
    for image, truth in _masks(labels, reference, classes):
        score = compute_dice(image.float()[None, None], truth.float()[None, None], ignore_empty=False)
        scores.append(float(score) if image.any() or truth.any() else math.nan)
    return torch.tensor(scores, dtype=torch.float64)


def hausdorff95(labels: Tensor, reference: Tensor, classes: Sequence[int], spacing: Sequence[float]) -> Tensor:
    """95th percentile of the distances between the surfaces of each class, by MONAI; arguments as of :func:`dice`.

    Returns:
        (number of classes,), in the unit of ``spacing``, mm; infinite if only one map has the class, NaN if neither
        has.
    """
    distances = []
    for image, truth in _masks(labels, reference, classes):
        if not (image.any() and truth.any()):
            distances.append(math.inf if image.any() or truth.any() else math.nan)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # MONAI's own use of an argument it deprecates
            distance = compute_hausdorff_distance(
                image.reshape(1, 1, *image.shape[-len(spacing) :]),
                truth.reshape(1, 1, *truth.shape[-len(spacing) :]),
                include_background=True,
                percentile=HAUSDORFF_PERCENTILE,
                spacing=[float(length) for length in spacing],
            )
        distances.append(float(distance))
    return torch.tensor(distances, dtype=torch.float64)


def volume_difference(labels: Tensor, reference: Tensor, classes: Sequence[int], spacing: Sequence[float]) -> Tensor:
    """Volume of each class minus its volume in the reference, in ml; NaN if neither has it; see :func:`hausdorff95`."""
    voxel_ml = math.prod(float(length) for length in spacing) / 1000
    counts = [(int(image.sum()), int(truth.sum())) for image, truth in _masks(labels, reference, classes)]
    differences = [(a - b) * voxel_ml if a or b else math.nan for a, b in counts]
    return torch.tensor(differences, dtype=torch.float64)


def segmentation_metrics(
    labels: Tensor, reference: Tensor, classes: Mapping[int, str], spacing: Sequence[float]
) -> dict[str, dict[str, float]]:
    """All metrics of a segmentation; arguments as of :func:`dice`, with the name of each class, and the spacing in mm.

    Returns:
        ``{metric: {name of the class: value}}`` for each of :data:`SEGMENTATION_METRICS`.
    """
    numbers = list(classes)
    values = (
        dice(labels, reference, numbers),
        hausdorff95(labels, reference, numbers, spacing),
        volume_difference(labels, reference, numbers, spacing),
    )
    return {
        metric: dict(zip(classes.values(), scores.tolist(), strict=True))
        for metric, scores in zip(SEGMENTATION_METRICS, values, strict=True)
    }


def _masks(labels: Tensor, reference: Tensor, classes: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
    """Where each class is in the two maps."""
    if labels.shape != reference.shape:
        raise ValueError(
            f"two label maps of one shape can be compared, not {tuple(labels.shape)} and {tuple(reference.shape)}"
        )
    image, truth = (x.as_tensor() if isinstance(x, MetaTensor) else x for x in (labels, reference))
    return [(image == number, truth == number) for number in classes]
