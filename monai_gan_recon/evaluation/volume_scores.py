"""Scores of one evaluated volume: zero-filled and reconstruction, slice by slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from monai.data import MetaTensor
from torch import Tensor

from monai_gan_recon.evaluation.results import SliceRow
from monai_gan_recon.measurement import mirror
from monai_gan_recon.metrics import brain_coverage, brain_mask, image_metrics, residual_metric
from monai_gan_recon.metrics.conventions import MIN_FOREGROUND


@dataclass
class VolumeScores:
    """Scores of one volume.

    Attributes:
        rows: two rows a slice, zero-filled and reconstruction.
        sampled_fraction: mean of the sampling mask, its true rate.
        known_fraction: the same with the mirrored samples, which Hermitian symmetry gives for real images.
        notes: what a reader of the numbers must know.
        pictures: middle slice (H, W) as "reference", "zero_filled", "reconstruction", for a figure.
        picture_slice: index of that slice in the volume.
    """

    rows: list[SliceRow]
    sampled_fraction: float
    known_fraction: float
    notes: list[str] = field(default_factory=list)
    pictures: dict[str, Tensor] = field(default_factory=dict)
    picture_slice: int = 0


def score_volume(output: Mapping[str, Any], min_foreground: float = MIN_FOREGROUND) -> VolumeScores:
    """Score the slices of a volume whose brain covers enough of the frame.

    Args:
        output: what the evaluator gives for the volume, with or without a batch axis of 1: "label" reference
            magnitude (1, N, H, W) in [0, 1]; "pred" complex estimate (2, N, H, W) or magnitude (1, N, H, W);
            "zero_filled" (2, N, H, W); "mask" (1, N, H, W) or broadcastable; "case" name; optional: "person"
            name (else the case), "seconds" of the network for all N slices.
        min_foreground: least fraction of the frame that the brain covers; if no slice qualifies, all slices
            with foreground are used and a note says so.

    Raises:
        ValueError: if something is missing or of another shape, if the volume is empty, or if an image has
            NaN or infinite values (they would drop out of the means and flatter them).
    """
    case = _name(output.get("case"), "volume")
    person = _name(output.get("person"), case)
    label = _volume(output, "label", case, (1,))
    pred = _volume(output, "pred", case, (1, 2))
    zero_filled = _volume(output, "zero_filled", case, (2,))
    mask = _volume(output, "mask", case, (1,)).expand_as(label)
    for name, volume in (("pred", pred), ("zero_filled", zero_filled)):
        if volume.shape[1:] != label.shape[1:]:
            raise ValueError(
                f"{case}: {name!r} has slices {tuple(volume.shape[1:])} "
                f"but the reference {tuple(label.shape[1:])}"
            )

    brain = brain_mask(label.movedim(0, 1))
    seconds = _seconds(output.get("seconds"))
    per_slice = None if seconds is None else seconds / len(brain)
    chosen, notes = _choose(brain, case, min_foreground)
    mask, label, pred, zero_filled = (volume[:, chosen] for volume in (mask, label, pred, zero_filled))
    brain = brain[chosen]

    rows: list[SliceRow] = []
    images = {"zero_filled": zero_filled, "reconstruction": pred}
    magnitudes = {name: image.norm(dim=0) if len(image) == 2 else image[0] for name, image in images.items()}
    for method, image in images.items():
        scores = image_metrics(magnitudes[method][:, None], label.movedim(0, 1), brain)
        scores["kspace_residual"] = residual_metric(magnitudes[method][None], zero_filled, mask)
        if len(image) == 2:
            scores["kspace_residual_complex"] = residual_metric(image, zero_filled, mask)
        for i, number in enumerate(chosen):
            metrics: dict[str, float | None] = {name: float(values[i]) for name, values in scores.items()}
            metrics.setdefault("kspace_residual_complex", None)
            metrics["seconds_per_slice"] = per_slice if method == "reconstruction" else None
            rows.append(SliceRow(person, case, number, method, metrics))

    middle = len(chosen) // 2
    pictures = {name: image[middle].cpu().clone() for name, image in magnitudes.items()}
    pictures["reference"] = label[0, middle].cpu().clone()
    measured = mask != 0
    known = measured | mirror(measured)
    sampled_fraction, known_fraction = (float(m.float().mean()) for m in (measured, known))
    return VolumeScores(rows, sampled_fraction, known_fraction, notes, pictures, chosen[middle])


def _volume(output: Mapping[str, Any], key: str, case: str, channels: tuple[int, ...]) -> Tensor:
    """The tensor under a key as plain (C, N, H, W)."""
    if key not in output:
        raise ValueError(f"{case}: the evaluator's output has no {key!r}")
    tensor = output[key].as_tensor() if isinstance(output[key], MetaTensor) else torch.as_tensor(output[key])
    tensor = tensor.detach().float()
    if tensor.ndim == 5 and len(tensor) == 1:
        tensor = tensor[0]
    if tensor.ndim != 4 or len(tensor) not in channels:
        expected = " or ".join(f"({c}, N, H, W)" for c in channels)
        raise ValueError(f"{case}: {key!r} must be one volume {expected}, got {tuple(output[key].shape)}")
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


def _name(value: Any, default: str) -> str:
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    return default if value is None else str(value)


def _seconds(value: Any) -> float | None:
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    return None if value is None else float(torch.as_tensor(value).sum())
