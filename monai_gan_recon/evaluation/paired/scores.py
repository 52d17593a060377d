"""Scores of the segmentations of one scan: of the original, the zero-filled and the reconstructed image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing

from monai_gan_recon.evaluation.results import mean_of
from monai_gan_recon.metrics.segmentation import SEGMENTATION_METRICS, segmentation_metrics
from monai_gan_recon.segmentation.labels import ReferenceLabels

ORIGINAL, LABELS = "original", "labels"
"""What a segmentation is compared with: that of the original image, or the reference labels of the manifest."""

Scores = Mapping[str, Mapping[str, float]]
"""``{metric: {tissue: value}}``; NaN of a tissue absent from both, nothing of one that is not defined."""


@dataclass(frozen=True)
class SegmentationRow:
    """Scores of one image's segmentation.

    Attributes:
        person: name of the person, the unit of the statistics.
        case: name of the scan; "" for the mean over a person's scans.
        method: what was segmented: "original", "zero_filled" or "reconstruction".
        against: what it is compared with: "original" (segmentation of the original) or "labels".
        scores: by metric and tissue.
        n_scans: scans that the row is the mean of.
    """

    person: str
    case: str
    method: str
    against: str
    scores: Scores
    n_scans: int = 1


def score_segmentations(
    person: str, case: str, segmentations: Mapping[str, MetaTensor], truth: ReferenceLabels, against: str
) -> list[SegmentationRow]:
    """Compare segmentations of one scan with one label map.

    Args:
        person: name of the person.
        case: name of the scan.
        segmentations: label map (1, X, Y, Z) of each method.
        truth: what they are compared with, on the same grid, and the tissues that it defines.
        against: its name: "original" or "labels".

    Returns:
        One row a method.

    Raises:
        ValueError: if shapes differ.
    """
    spacing = affine_to_spacing(truth.labels.affine).tolist()
    return [
        SegmentationRow(
            person, case, method, against, segmentation_metrics(labels, truth.labels, truth.tissues, spacing)
        )
        for method, labels in segmentations.items()
    ]


def person_rows(rows: Sequence[SegmentationRow]) -> list[SegmentationRow]:
    """Average the scans of each person, method and comparison, in the order of first appearance.

    A tissue absent from a scan (NaN) is left out of its mean; an infinite distance stays infinite.
    """
    groups: dict[tuple[str, str, str], list[SegmentationRow]] = {}
    for row in rows:
        groups.setdefault((row.person, row.method, row.against), []).append(row)
    return [
        SegmentationRow(person, "", method, against, _mean_scores(group), len(group))
        for (person, method, against), group in groups.items()
    ]


def _mean_scores(rows: Sequence[SegmentationRow]) -> dict[str, dict[str, float]]:
    result: dict[str, dict[str, float]] = {}
    for metric in SEGMENTATION_METRICS:
        tissues = dict.fromkeys(tissue for row in rows for tissue in row.scores[metric])
        means = {tissue: mean_of(row.scores[metric].get(tissue) for row in rows) for tissue in tissues}
        result[metric] = {tissue: math.nan if mean is None else mean for tissue, mean in means.items()}
    return result
