"""Scores of one scan: of its reconstruction slice by slice, and of its segmentations tissue by tissue."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing
from torch import Tensor

from monai_gan_recon.engines.evaluator import RESIDUALS
from monai_gan_recon.evaluation.statistics import SegmentationRow, SliceRow, mean_of
from monai_gan_recon.metrics import brain_coverage, brain_mask, image_metrics
from monai_gan_recon.metrics.conventions import MIN_FOREGROUND
from monai_gan_recon.metrics.segmentation import segmentation_metrics
from monai_gan_recon.segmentation.labels import ReferenceLabels


@dataclass(frozen=True)
class WorstSlice:
    """The worst slice of a scan.

    Attributes:
        name: scan and number of the slice.
        score: of the slice or scan; the lowest of all is shown first.
        images: magnitudes (H, W) by the names of :func:`monai_gan_recon.report.write_report`.
        labels: label map (H, W), or None.
    """

    name: str
    score: float
    images: Mapping[str, Tensor]
    labels: Tensor | None = None


@dataclass(frozen=True)
class VolumeScores:
    """Scores of one volume.

    Attributes:
        rows: two rows a slice, zero-filled and reconstruction.
        sampled_fraction: mean of the sampling mask, its true rate.
        known_fraction: the same with the mirrored samples, which Hermitian symmetry gives for real images.
        notes: what a reader of the numbers must know.
        picture: middle slice (H, W) as "reference", "zero_filled", "reconstruction", and its "label", for a figure.
        worst: the slice whose reconstruction has the lowest PSNR inside, in float16.
    """

    rows: list[SliceRow]
    sampled_fraction: float
    known_fraction: float
    notes: list[str]
    picture: dict[str, Any]
    worst: WorstSlice


_AT_A_TIME = 16


def score_volume(output: Mapping[str, Any], min_foreground: float = MIN_FOREGROUND) -> VolumeScores:
    """Score the slices of a volume whose brain covers enough of the frame.

    Args:
        output: what :class:`~monai_gan_recon.engines.evaluator.VolumeReconstructionEvaluator` gives for the volume, its
            images in [0, 1].
        min_foreground: least fraction of the frame that the brain covers; if no slice qualifies, all slices
            with foreground are used and a note says so.

    Raises:
        ValueError: if something is missing or of another shape, if the volume is empty, or if an image has
            NaN or infinite values (they would drop out of the means and flatter them).
    """
    case, person = str(output["case"]), str(output["person"])
    label, pred, zero_filled = (_volume(output, key, case) for key in ("label", "pred", "zero_filled"))
    for name, volume in (("pred", pred), ("zero_filled", zero_filled)):
        if volume.shape != label.shape:
            raise ValueError(
                f"{case}: {name!r} has slices {tuple(volume.shape[1:])} but the reference {tuple(label.shape[1:])}"
            )

    brain = brain_mask(label.movedim(0, 1))
    per_slice = float(output["seconds"]) / len(brain)
    chosen, notes = _choose(brain, case, min_foreground)
    rows: list[SliceRow] = []
    images = {"zero_filled": zero_filled, "reconstruction": pred}
    for method, image in images.items():
        for number, scores in _slice_scores(image[0, :, None], label[0, :, None], brain, chosen):
            metrics: dict[str, float | None] = dict(scores)
            mine = method == "reconstruction"
            metrics |= {name: _number(output[name][number]) if mine else None for name in RESIDUALS}
            metrics["seconds_per_slice"] = per_slice if mine else None
            rows.append(SliceRow(person, case, number, method, metrics))

    middle = chosen[len(chosen) // 2]
    lowest = min((row for row in rows if row.method == "reconstruction"), key=_inside)
    shown = images | {"reference": label}
    picture = {name: image[0, middle].clone() for name, image in shown.items()} | {"label": f"{person}, slice {middle}"}
    worst = {name: image[0, lowest.slice].half() for name, image in shown.items()}
    return VolumeScores(
        rows,
        float(output["sampled_fraction"]),
        float(output["known_fraction"]),
        notes,
        picture,
        WorstSlice(f"{case}, slice {lowest.slice + 1}", _inside(lowest), worst),
    )


QUALITY = {"psnr": "PSNR [dB]", "ssim": "SSIM", "psnr_brain": "PSNR inside [dB]", "ssim_brain": "SSIM inside"}
"""Metrics of a page, by what they are called there."""


def quality_table(images: Mapping[str, Tensor], reference: Tensor, case: str = "") -> tuple[dict[str, str], str]:
    """Mean scores of images as a page has them, one after the other.

    Args:
        images: magnitudes (1, N, H, W) by method, in the order of the table.
        reference: (1, N, H, W), with foreground; its maximum counts as 1.
        case: name of the case, for notes.

    Returns:
        By :data:`QUALITY`, such as "30.1 → 33.4", and a sentence on how they were taken.
    """
    label, peak = _volume({"label": reference}, "label", case), float(reference.max()) or 1.0
    brain = brain_mask(label.movedim(0, 1))
    chosen, notes = _choose(brain, case, MIN_FOREGROUND)
    texts: dict[str, list[str]] = {name: [] for name in QUALITY.values()}
    for method, image in images.items():
        volume = _volume({method: image}, method, case)
        scores = [one for _, one in _slice_scores(volume[0, :, None], label[0, :, None], brain, chosen, peak)]
        for metric, name in QUALITY.items():
            texts[name].append(f"{mean_of(one[metric] for one in scores) or 0.0:.4g}")
    methods = " → ".join(name.replace("_", "-") for name in images).capitalize()
    note = f"{methods}, mean over {len(chosen)} slices. Inside: where the object is."
    return {name: " → ".join(values) for name, values in texts.items()}, " ".join([note, *notes])


def _slice_scores(
    image: Tensor, label: Tensor, brain: Tensor, chosen: Sequence[int], peak: float = 1.0
) -> Iterator[tuple[int, dict[str, float]]]:
    """Number and metrics of each of the chosen slices (N, 1, H, W), without a copy of the volume."""
    for start in range(0, len(chosen), _AT_A_TIME):
        some = list(chosen[start : start + _AT_A_TIME])
        scores = image_metrics(image[some] / peak, label[some] / peak, brain[some])
        for place, number in enumerate(some):
            yield number, {name: float(values[place]) for name, values in scores.items()}


def score_segmentations(
    person: str, case: str, segmentations: Mapping[str, MetaTensor], truth: ReferenceLabels, against: str
) -> list[SegmentationRow]:
    """Compare segmentations (1, X, Y, Z) of one scan with one label map on the same grid: a row a method.

    ``truth`` are the labels and the tissues that they define, ``against`` is their name: "original" or "labels".

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


def _volume(output: Mapping[str, Any], key: str, case: str) -> Tensor:
    """The tensor under a key as plain (1, N, H, W)."""
    if key not in output:
        raise ValueError(f"{case}: the evaluator's output has no {key!r}")
    tensor = output[key].as_tensor() if isinstance(output[key], MetaTensor) else torch.as_tensor(output[key])
    tensor = tensor.detach().float()
    if tensor.ndim != 4 or len(tensor) != 1:
        raise ValueError(f"{case}: {key!r} must be one volume (1, N, H, W), got {tuple(output[key].shape)}")
    if not torch.isfinite(tensor).all():
        raise ValueError(f"{case}: {key!r} has NaN or infinite values, so there is nothing to score")
    return tensor


def _choose(brain: Tensor, case: str, min_foreground: float) -> tuple[list[int], list[str]]:
    """Indices of the slices to score, and a note if they are not those of the protocol."""
    coverage = brain_coverage(brain)
    chosen = torch.nonzero(coverage >= min_foreground)[:, 0].tolist()
    if chosen:
        return chosen, []
    chosen = torch.nonzero(coverage > 0)[:, 0].tolist()
    if not chosen:
        raise ValueError(f"{case}: the reference has no foreground, so there is nothing to score")
    note = f"{case}: the brain covers {min_foreground:.0%} of no slice; all {len(chosen)} non-empty ones used"
    return chosen, [note]


def _inside(row: SliceRow) -> float:
    value = row.metrics["psnr_brain"]
    return math.inf if value is None or math.isnan(value) else value


def _number(value: Tensor) -> float | None:
    return float(value) if bool(torch.isfinite(value)) else None
