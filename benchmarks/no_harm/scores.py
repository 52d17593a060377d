"""Scores of slices, inside the head and over the frame."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks.no_harm.perceptual import VIF_LEAST, haarpsi, vif
from monai_gan_recon.metrics import nmse, psnr, psnr_brain, ssim, ssim_brain

MEASURES = {"psnr": 1, "ssim": 1, "nmse": -1, "haarpsi": 1, "vif": 1}
"""Of each the sign: 1 where more is better."""

METRICS = tuple(f"{measure}_{where}" for where in ("head", "frame") for measure in MEASURES)

Row = Mapping[str, Any]
"""``person``, ``case``, ``slice``, ``mask`` and the scores of one slice, null where one does not apply."""


def slice_scores(image: Tensor, reference: Tensor, head: Tensor) -> list[dict[str, float | None]]:
    """:data:`METRICS` of each slice.

    Inside the head NMSE, HaarPSI and VIF are those of the slices that are 0 outside, the last two within the box around
    all heads.

    Args:
        image: magnitudes (N, 1, H, W).
        reference: magnitudes (N, 1, H, W) in [0, 1].
        head: bool (N, 1, H, W).
    """
    box = _box(head)
    inside = [(slices * head)[..., box[0], box[1]] for slices in (image, reference)]
    values = {
        "psnr_head": psnr_brain(image, reference, head),
        "ssim_head": ssim_brain(image, reference, head),
        "nmse_head": nmse(image * head, reference * head),
        "haarpsi_head": haarpsi(*inside),
        "vif_head": _vif(*inside),
        "psnr_frame": psnr(image, reference),
        "ssim_frame": ssim(image, reference),
        "nmse_frame": nmse(image, reference),
        "haarpsi_frame": haarpsi(image, reference),
        "vif_frame": _vif(image, reference),
    }
    columns = {name: [_number(value) for value in values[name].tolist()] for name in METRICS}
    return [{name: column[i] for name, column in columns.items()} for i in range(len(image))]


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _vif(image: Tensor, reference: Tensor) -> Tensor:
    if min(image.shape[-2:]) < VIF_LEAST:
        return torch.full((len(image),), torch.nan)
    return vif(image, reference)


def _box(head: Tensor) -> tuple[slice, slice]:
    """Rows and columns of the smallest rectangle around the heads of all slices."""
    rows, columns = (head.any(0)[0].any(axis).nonzero().flatten() for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def mean_score(rows: Sequence[Row], metric: str = "psnr_head") -> float:
    """Mean over slices."""
    return math.fsum(row[metric] for row in rows) / len(rows)
