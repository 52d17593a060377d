"""Reference labels of a manifest's entry: a label map, or labels from maps of gray and white matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from monai.data import MetaTensor

from monai_gan_recon.data import LoadVolume
from monai_gan_recon.segmentation.labels import GRID_TOLERANCE, TISSUES, LoadLabels, labels_of_maps

MAPS = ("gray_matter", "white_matter")
"""Keys of the probability maps in a manifest's entry."""

TISSUES_OF_MAPS = {number: tissue for number, tissue in TISSUES.items() if tissue in ("gm", "wm")}
"""Tissues that the maps define; what is neither may be CSF, dura or anything else."""


@dataclass(frozen=True)
class ReferenceLabels:
    """Labels that a segmentation is compared with.

    Attributes:
        labels: (1, X, Y, Z), uint8, on the image's grid.
        tissues: name of each label that they define.
    """

    labels: MetaTensor
    tissues: Mapping[int, str]


def reference_labels(entry: Mapping[str, Any], image: MetaTensor) -> ReferenceLabels | None:
    """Reference labels of an image.

    Args:
        entry: of a data manifest: its ``label``, or else its ``gray_matter`` and ``white_matter``, are files.
        image: (1, X, Y, Z), which the labels must fit.

    Returns:
        The labels, or None if the entry names none.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: in one line, if labels have another size or affine than the image, or a value outside the
            classes.
    """
    if entry.get("label"):
        return ReferenceLabels(LoadLabels()(entry["label"], image), TISSUES)
    if not all(entry.get(key) for key in MAPS):
        return None
    maps = [LoadVolume()(entry[key]) for key in MAPS]
    for key, volume in zip(MAPS, maps, strict=True):
        same_grid = volume.shape == image.shape and torch.allclose(
            volume.affine, image.affine, rtol=0, atol=GRID_TOLERANCE
        )
        if not same_grid:
            raise ValueError(
                f"{entry[key]}: has another size or affine than {entry['image']}; give a map on its grid"
            )
    labels = labels_of_maps(*(volume.numpy() for volume in (*maps, image)))
    return ReferenceLabels(MetaTensor(torch.from_numpy(labels), meta=image.meta), TISSUES_OF_MAPS)
