"""Reference labels of a manifest's entry: a label map, or labels from maps of gray and white matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monai.data import MetaTensor

from monai_gan_recon.segmentation.labelled_volumes import MAPS, load_labels_of_maps
from monai_gan_recon.segmentation.labels import TISSUES, LoadLabels

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
    return ReferenceLabels(load_labels_of_maps(entry, image), TISSUES_OF_MAPS)
