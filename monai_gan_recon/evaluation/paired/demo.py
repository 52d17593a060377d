"""The demo's segmentation: tissues of the volumes that the demo reconstructed, compared with the original's."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from monai_gan_recon.evaluation.metrics_file import normalise_protocol
from monai_gan_recon.evaluation.paired.bundles import default_device
from monai_gan_recon.evaluation.paired.cache import ScanScores, options_hash
from monai_gan_recon.evaluation.paired.files import write_paired_metrics
from monai_gan_recon.evaluation.paired.protocol import write_scores
from monai_gan_recon.evaluation.paired.scan import PairedScan, Segmenter
from monai_gan_recon.evaluation.paired.table import paired_table
from monai_gan_recon.io import LoadVolume
from monai_gan_recon.metrics.conventions import METRICS
from monai_gan_recon.resources import SEGMENTATION, bundle_path
from monai_gan_recon.segmentation.segmenter import TissueSegmenter

FILE_NAMES = {"zero_filled": "zero_filled", "reconstruction": "recon"}
"""End of the file name that a volume was written under."""


def demo_segmenter(bundle: str | os.PathLike[str] = SEGMENTATION) -> tuple[str, Segmenter]:
    """Segmenter of the demo: the bundle's network, or its unsupervised mixture where it has no weights.

    Args:
        bundle: name or folder of the segmentation bundle.

    Returns:
        "network" or "mixture", and the segmenter.

    Raises:
        FileNotFoundError: if there is no bundle.
    """
    folder = bundle_path(bundle)
    method = "network" if (folder / "models" / "model.pt").is_file() else "mixture"
    return method, TissueSegmenter.from_bundle(folder, device=default_device(), method=method)


def segment_demo(
    entry: Mapping[str, Any],
    reconstructions: Sequence[tuple[Mapping[str, Any], Path]],
    output_dir: Path,
    method: str,
    segmenter: Segmenter,
) -> str:
    """Segment the original and what was written at each rate; write scores and a figure.

    Args:
        entry: of the manifest, with ``case``.
        reconstructions: result of ``metrics.json`` and folder of the NIfTIs, one a rate.
        output_dir: folder for ``metrics.json``, ``people_<result>.csv`` and ``segmentation.png``.
        method: name of the segmentation, for the results.
        segmenter: segments a volume.

    Returns:
        The table of Dice, and what was written.
    """
    scan = PairedScan(entry, segmenter)
    scores, columns = [], []
    for found, folder in reconstructions:
        print(f"\n{100 * found['rate']:g} % of k-space: segmentation by {method}", flush=True)
        images = {
            name: LoadVolume()(folder / f"{scan.case}_{ending}.nii.gz") for name, ending in FILE_NAMES.items()
        }
        comparison = scan.compare(images)
        columns += [
            replace(column, heading=f"{column.heading}, {100 * found['rate']:g} % of k-space")
            for column in comparison.columns
        ]
        scores.append(ScanScores(comparison.rows, float(found["sampled_fraction"])))
    results = [
        write_scores(_result(found, method), [score], output_dir)
        for (found, _), score in zip(reconstructions, scores, strict=True)
    ]
    write_paired_metrics(output_dir / "metrics.json", results)
    figure = scan.draw(columns, output_dir / "segmentation.png", f"{scan.case}: tissues by {method}")
    return f"{paired_table(results, ('dice',))}\n\nFigure: {figure}\nMetrics: {output_dir / 'metrics.json'}"


def _result(found: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Protocol of a reconstruction's result, without its scores."""
    dropped = {
        *METRICS,
        "method",
        "n_people",
        "n_slices",
        "notes",
        "min_foreground",
        "known_fraction_by_symmetry",
    }
    protocol = normalise_protocol({name: value for name, value in found.items() if name not in dropped})
    return protocol | {"segmentation": method, "config_hash": options_hash(found["config_hash"], method)}
