"""One scan: undersample and reconstruct it by a bundle, segment what comes out, score and draw that."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from monai.data import MetaTensor

from monai_gan_recon.bundle.values import read_config
from monai_gan_recon.engines.config_hash import config_hash
from monai_gan_recon.engines.evaluator import VolumeReconstructionEvaluator
from monai_gan_recon.engines.runtime import resolve_amp
from monai_gan_recon.evaluation.figures import NAMES
from monai_gan_recon.evaluation.scores import score_segmentations
from monai_gan_recon.evaluation.segmentation_figure import FigureColumn, segmentation_figure
from monai_gan_recon.evaluation.statistics import LABELS, ORIGINAL, SegmentationRow
from monai_gan_recon.io import load_volume
from monai_gan_recon.metrics import METHODS
from monai_gan_recon.segmentation.labels import TISSUES, ReferenceLabels, reference_labels


class Segmenter(Protocol):
    """What segments volumes: :class:`~monai_gan_recon.segmentation.TissueSegmenter`, or another."""

    def same_scan(self, original: MetaTensor) -> Callable[[MetaTensor], MetaTensor]:
        """From images (1, X, Y, Z) made of one scan to their tissue labels (1, X, Y, Z), uint8, on its grid."""


MAX_CUT = 0.01
"""Largest fraction of an image's summed intensity that the size of the slices may cut off."""


def default_device() -> str:
    """A GPU if there is one, as the bundles choose."""
    return "cuda:0" if torch.cuda.is_available() else "cpu"


class BundleReconstruction:
    """Volume in, zero-filled and reconstructed volume out, by the ``evaluate.yaml`` of a reconstruction bundle.

    Args:
        bundle: folder of the bundle.
        options: its options, such as ``rate=0.1`` or ``weights="model.pt"``; "a#b" are nested ones.

    Attributes:
        protocol: track, pattern, rate and so on, as results state them.
        config_hash: hash of protocol, precision, network and weights.
        sampled_fraction: of k-space, of the last volume: the true rate.
    """

    def __init__(self, bundle: Path, **options: Any) -> None:
        file = bundle / "configs" / "evaluate.yaml"
        content = read_config(file, **{"bundle_root": bundle} | options).get_parsed_content
        self.protocol: dict[str, Any] = dict(content("protocol"))
        self.preprocessing, self.postprocessing = content("preprocessing"), content("postprocessing")
        self.network, self.device, self.amp = content("network"), content("device"), content("amp")
        self.batch_size, self.inferer = content("batch_size"), content("inferer")
        precision = {"bf16": resolve_amp(self.amp, self.device)}
        self.config_hash = config_hash(self.protocol | precision, self.network, content("weights"))
        self.sampled_fraction = 0.0

    def __call__(self, entry: Mapping[str, Any]) -> dict[str, MetaTensor]:
        """Undersample and reconstruct the ``image`` (a path) of an entry; the sampling mask depends on its ``case``.

        Returns:
            "original", "zero_filled" and "reconstruction": magnitudes (1, X, Y, Z) on the file's grid and in its
            intensities.

        Raises:
            ValueError: in one line, if the image cannot be used, or if the size of the slices cuts it off.
        """
        volume = self.preprocessing(dict(entry))
        evaluator = VolumeReconstructionEvaluator(
            self.device, [volume], self.network, self.inferer, self.batch_size, self.amp, progress=False
        )
        evaluator.run()
        output = evaluator.state.output
        self.sampled_fraction = output["sampled_fraction"]
        image = load_volume(entry["image"])
        self._check_cut(entry, image, self._undo(output["label"], volume["image"]))
        return {
            "original": image,
            "zero_filled": self._undo(output["zero_filled"], volume["image"]),
            "reconstruction": self._undo(output["pred"], volume["image"]),
        }

    def _undo(self, slices: torch.Tensor, image: MetaTensor) -> MetaTensor:
        """Slices (1, N, H, W) in [0, 1] to the grid and intensities of the file."""
        volume: MetaTensor = self.postprocessing({"image": image, "pred": MetaTensor(slices)})["pred"]
        return volume

    def _check_cut(self, entry: Mapping[str, Any], image: MetaTensor, kept: MetaTensor) -> None:
        cut = float((image - kept).abs().sum() / (image - image.min()).sum())
        if cut > MAX_CUT:
            size = " x ".join(str(n) for n in self.protocol["size"] or ())
            raise ValueError(
                f"{entry['image']}: slices of {size} cut off {cut:.0%} of the image; give a larger --size, or "
                "--size null for whole slices"
            )


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
            :func:`~monai_gan_recon.segmentation.labels.reference_labels`.
        segmenter: segments a volume.
    """

    def __init__(self, entry: Mapping[str, Any], segmenter: Segmenter) -> None:
        self.entry, self._segmenter = entry, segmenter
        self.person, self.case = str(entry["person"]), str(entry["case"])

    @cached_property
    def image(self) -> MetaTensor:
        """The original (1, X, Y, Z)."""
        return load_volume(self.entry["image"])

    @cached_property
    def reference(self) -> ReferenceLabels | None:
        """Reference labels of the manifest, if it has some."""
        return reference_labels(self.entry, self.image)

    @cached_property
    def segmenter(self) -> Callable[[MetaTensor], MetaTensor]:
        """Segments images made of this scan; of a head with skull, all within the brain in the original."""
        return self._segmenter.same_scan(self.image)

    @cached_property
    def original(self) -> MetaTensor:
        """Segmentation of the original (1, X, Y, Z)."""
        return self.segment(self.image)

    @cached_property
    def original_rows(self) -> list[SegmentationRow]:
        """Scores of the original's segmentation against the reference labels, if there are some."""
        return self._against_labels({ORIGINAL: self.original})

    def segment(self, image: MetaTensor) -> MetaTensor:
        """Segment one volume of this scan; a ValueError if the segmentation is not on its grid."""
        labels = self.segmenter(image)
        if labels.shape != image.shape:
            raise ValueError(f"a segmentation of shape {tuple(labels.shape)} of an image {tuple(image.shape)}")
        return MetaTensor(labels.as_subclass(torch.Tensor).cpu(), meta=image.meta)

    def compare(self, images: Mapping[str, MetaTensor]) -> Comparison:
        """Segment images made of this scan, by method; compare with the original's segmentation and the labels."""
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
    """Read the image and reference labels of a manifest's entry; errors as of :func:`reference_labels`."""
    reference_labels(entry, load_volume(entry["image"]))


def dice_text(row: SegmentationRow) -> str:
    """Dice of each tissue, as in "Dice CSF 0.912   GM 0.934", "absent" for a tissue absent from both."""
    cells = (
        f"{tissue.upper()} " + ("absent" if math.isnan(value) else f"{value:.3f}")
        for tissue, value in row.scores["dice"].items()
    )
    return "Dice " + "   ".join(cells)
