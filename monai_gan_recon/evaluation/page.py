"""The page of an evaluation: the worst slice of each scan to look at, the means, and each subject's."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.transforms import SpatialPad
from torch import Tensor

from monai_gan_recon.evaluation.metrics_file import versions
from monai_gan_recon.evaluation.scores import WorstSlice
from monai_gan_recon.evaluation.statistics import PersonRow, SegmentationRow
from monai_gan_recon.evaluation.tables import COLUMNS, TITLES, metric_cell, protocol_cells, value_text
from monai_gan_recon.metrics.conventions import METHODS
from monai_gan_recon.report.page import write_report
from monai_gan_recon.segmentation.labels import TISSUES
from monai_gan_recon.transforms.geometry import plane_slices

INTERVAL = "Mean ± half width of the 95 % confidence interval over subjects."
_NAMES = {
    "kspace_residual": "k-space residual of the magnitude",
    "kspace_residual_complex": "k-space residual",
    "seconds_per_slice": "Seconds a slice",
}
_DIFFERENT = max(TISSUES) + 1


def write_evaluation(path: str | os.PathLike[str], slices: Sequence[WorstSlice], **options: Any) -> dict[str, Path]:
    """Write the page ("report") of slices, one a scan, all with the same images, and its preview ("preview").

    Smaller slices are padded with zeros; ``options`` are those of :func:`write_report`.
    """
    ordered = sorted(slices, key=lambda item: math.inf if math.isnan(item.score) else item.score)
    shapes = [next(iter(item.images.values())).shape for item in ordered]
    pad = SpatialPad([max(sides) for sides in zip(*shapes, strict=True)])

    def stack(images: Sequence[Tensor]) -> Tensor:
        return torch.cat([torch.as_tensor(pad(image[None].float())) for image in images])

    labels = [item.labels for item in ordered if item.labels is not None]
    return write_report(
        path,
        {name: stack([item.images[name] for item in ordered]) for name in ordered[0].images},
        slice_names=[item.name for item in ordered],
        labels=stack(labels) if labels else None,
        **options,
    )


def reconstruction_page(
    entries: Sequence[Mapping[str, Any]], people: Sequence[PersonRow], notes: Sequence[str] = ()
) -> dict[str, Any]:
    """What the page says of a reconstruction, as options of :func:`write_report`.

    ``entries`` of ``metrics.json`` are of zero-filled and reconstruction, ``notes`` what a reader must know.
    """
    figures = {
        _NAMES.get(name, COLUMNS[name][0]): " → ".join(
            metric_cell(entry[name], name) for entry in entries if entry[name]["mean"] is not None
        )
        for name in COLUMNS
    }
    subjects: dict[str, list[str]] = {}
    for row in sorted(people, key=lambda row: METHODS.index(row.method)):
        values = (f"{row.metrics[name] or 0.0:{COLUMNS[name][1]}}" for name in ("psnr_brain", "ssim_brain"))
        subjects.setdefault(row.person, []).append(", ".join(values))
    protocol = {name.capitalize(): text for name, text in protocol_cells(entries[0]).items()}
    return {
        "title": str(entries[0]["dataset"]),
        "subtitle": "The worst slice of each scan, the worst of all first",
        "sections": {
            "Protocol": protocol | {"Rate": f"{100 * entries[0]['rate']:.4g} % of k-space"},
            "Zero-filled → reconstruction": {name: text for name, text in figures.items() if text},
            "Each subject": {person: " → ".join(texts) for person, texts in subjects.items()},
            "Versions": versions(),
        },
        "notes": {
            "Zero-filled → reconstruction": " ".join([INTERVAL, *notes]),
            "Each subject": "PSNR in dB and SSIM inside the object, mean over the slices.",
        },
    }


def worst_tissues(output: Mapping[str, Any], dice: float) -> WorstSlice:
    """The axial slice in which a segmentation differs most from its reference, by the number of voxels.

    ``output`` is that of :class:`~monai_gan_recon.segmentation.segmenter.TissueEvaluator`, ``dice`` the scan's mean.
    """
    affine, truth = output["image"].affine, output["reference"].labels
    image, labels, reference = (
        plane_slices(volume, "axial", affine) for volume in (output["image"], output["pred"], truth)
    )
    differs = labels != reference
    number = int(differs.flatten(1).sum(1).argmax())
    shown = torch.where(differs[number], _DIFFERENT, labels[number])
    return WorstSlice(f"{output['case']}, slice {number + 1}, Dice {dice:.3f}", dice, {"image": image[number]}, shown)


def tissue_page(entry: Mapping[str, Any], people: Sequence[SegmentationRow]) -> dict[str, Any]:
    """What the page says of a segmentation, an entry of ``metrics.json``, as options of :func:`write_report`."""
    protocol = ("dataset", "method", "contrast", "bias_field", "denoise", "n_people", "n_scans")
    figures = {
        f"{heading}, {tissue.upper()}": value_text(value, form)
        for metric, (heading, form) in TITLES.items()
        for tissue, value in entry[metric].items()
    }
    return {
        "title": str(entry["dataset"]),
        "subtitle": "Tissue segmentation: the axial slice of each scan that differs most from the reference",
        "label_names": {label: name.upper() for label, name in TISSUES.items()}
        | {_DIFFERENT: "not as in the reference"},
        "sections": {
            "Agreement with the reference": figures,
            "Protocol": {
                name.replace("_", " ").capitalize(): entry[name] for name in protocol if entry.get(name) is not None
            },
            "Each subject": {
                row.person: ", ".join(f"{value:.3f}" for value in row.scores["dice"].values()) for row in people
            },
            "Versions": versions(),
        },
        "notes": {
            "Agreement with the reference": INTERVAL,
            "Each subject": f"Dice of {', '.join(name.upper() for name in TISSUES.values())}.",
        },
    }
