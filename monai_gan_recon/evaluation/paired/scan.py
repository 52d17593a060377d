"""One scan: segment its original, zero-filled and reconstructed volumes, score them, draw them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from monai.data import MetaTensor

from monai_gan_recon.evaluation.figures import NAMES
from monai_gan_recon.evaluation.paired.figure import FigureColumn, segmentation_figure
from monai_gan_recon.evaluation.paired.scores import LABELS, ORIGINAL, SegmentationRow, score_segmentations
from monai_gan_recon.io import LoadVolume
from monai_gan_recon.metrics import METHODS
from monai_gan_recon.segmentation.labels import TISSUES, ReferenceLabels, reference_labels

Segmenter = Callable[[MetaTensor], MetaTensor]
"""Image (1, X, Y, Z) to tissue labels (1, X, Y, Z), uint8, on the same grid."""


@dataclass(frozen=True)
class Comparison:
    """What comparing one scan's segmentations gives.

    Attributes:
        rows: scores, one row a method and comparison.
        columns: of the figure: zero-filled, reconstruction.
    """

    rows: list[SegmentationRow]
    columns: list[FigureColumn]


class PairedScan:
    """One scan of a manifest; its original is read and segmented once, whatever the number of rates.

    Args:
        entry: of the manifest: ``image``, ``person``, ``case``, and where known ``label`` or the maps of
            :func:`monai_gan_recon.evaluation.paired.reference.reference_labels`.
        segmenter: segments a volume.
    """

    def __init__(self, entry: Mapping[str, Any], segmenter: Segmenter) -> None:
        self.entry, self.segmenter = entry, segmenter
        self.person, self.case = str(entry["person"]), str(entry["case"])

    @cached_property
    def image(self) -> MetaTensor:
        """The original (1, X, Y, Z)."""
        return LoadVolume()(self.entry["image"])

    @cached_property
    def reference(self) -> ReferenceLabels | None:
        """Reference labels of the manifest, if it has some."""
        return reference_labels(self.entry, self.image)

    @cached_property
    def original(self) -> MetaTensor:
        """Segmentation of the original (1, X, Y, Z)."""
        return self.segment(self.image)

    @cached_property
    def original_rows(self) -> list[SegmentationRow]:
        """Scores of the original's segmentation against the reference labels, if there are some."""
        return self._against_labels({ORIGINAL: self.original})

    def segment(self, image: MetaTensor) -> MetaTensor:
        """Segment one volume of this scan.

        Raises:
            ValueError: if the segmentation is not on the image's grid.
        """
        labels = self.segmenter(image)
        if labels.shape != image.shape:
            raise ValueError(
                f"a segmentation of shape {tuple(labels.shape)} of an image {tuple(image.shape)}"
            )
        return MetaTensor(labels.as_subclass(torch.Tensor).cpu(), meta=image.meta)

    def compare(self, images: Mapping[str, MetaTensor]) -> Comparison:
        """Segment volumes made of this scan, and compare with the original's segmentation and the labels.

        Args:
            images: "zero_filled" and "reconstruction" (1, X, Y, Z), on the original's grid; others do not count.

        Returns:
            Scores, and columns of the figure.
        """
        segmentations = {method: self.segment(images[method]) for method in METHODS}
        truth = ReferenceLabels(self.original, TISSUES)
        rows = score_segmentations(self.person, self.case, segmentations, truth, ORIGINAL)
        columns = [
            FigureColumn(NAMES[row.method], images[row.method], segmentations[row.method], dice_text(row))
            for row in rows
        ]
        return Comparison([*rows, *self.original_rows, *self._against_labels(segmentations)], columns)

    def draw(self, columns: Sequence[FigureColumn], path: Path, title: str) -> Path:
        """Draw the original beside other columns, with the reference labels if there are some."""
        original = FigureColumn(NAMES["reference"], self.image, self.original)
        return segmentation_figure([original, *columns], path, title, self.reference)

    def _against_labels(self, segmentations: Mapping[str, MetaTensor]) -> list[SegmentationRow]:
        if self.reference is None:
            return []
        return score_segmentations(self.person, self.case, segmentations, self.reference, LABELS)


def check_scan(entry: Mapping[str, Any]) -> None:
    """Read the image and reference labels of a manifest's entry.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: in one line, if the image cannot be used or the labels do not fit it.
    """
    reference_labels(entry, LoadVolume()(entry["image"]))


def dice_text(row: SegmentationRow) -> str:
    """Dice of each tissue, as in "Dice CSF 0.912   GM 0.934", "absent" for a tissue absent from both."""
    cells = (
        f"{tissue.upper()} " + ("absent" if math.isnan(value) else f"{value:.3f}")
        for tissue, value in row.scores["dice"].items()
    )
    return "Dice " + "   ".join(cells)
