"""The demo: the MNI152 template reconstructed at 10 % and 50 % of k-space, compared, and its tissues segmented.

What ``monai-gan-recon demo`` does; it needs no data and no network.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from monai_gan_recon.bundle import open_bundle
from monai_gan_recon.checks import check_output_dir
from monai_gan_recon.data import case_name, load_manifest
from monai_gan_recon.engines.config_hash import options_hash
from monai_gan_recon.evaluation.figures import comparison_figure
from monai_gan_recon.evaluation.metrics_file import PAIRED, RECONSTRUCTION, file_stem, normalise_protocol
from monai_gan_recon.evaluation.paired.protocol import ScanScores, write_scores
from monai_gan_recon.evaluation.paired.scan import PairedScan, Segmenter, default_device
from monai_gan_recon.evaluation.tables import metrics_table, paired_table
from monai_gan_recon.io import load_volume
from monai_gan_recon.metrics.conventions import METHODS, METRICS
from monai_gan_recon.resources import SEGMENTATION, bundle_path
from monai_gan_recon.segmentation.segmenter import TissueSegmenter
from monai_gan_recon.transforms.geometry import plane_slices

RATES = (0.1, 0.5)
PLANE = "coronal"
TITLE = "Undersampled MRI, reconstructed"
MIN_GAIN = 3.0
"""Gain in PSNR over the zero-filled image, in dB, that the shipped weights reach at every rate."""
FILE_NAMES = {"zero_filled": "zero_filled", "reconstruction": "recon"}
"""End of the file name that a volume was written under."""


def run_demo(
    output_dir: str | os.PathLike[str],
    bundle: Path,
    datalist: str = "embedded",
    rates: Sequence[float] = RATES,
    segmentation: tuple[str, Segmenter] | None = None,
    **options: Any,
) -> str:
    """Reconstruct and score the testing volumes of a manifest at several rates, segment the first of them.

    It can be repeated: the ``metrics.json`` of an earlier demo in this folder is removed first.

    Args:
        output_dir: folder for ``metrics.json``, CSV files, NIfTIs (``volumes_<protocol>/...``) and ``demo.png``.
        bundle: folder of the bundle.
        datalist: name or file of a manifest.
        rates: sampling rates.
        segmentation: name of the method and segmenter, whose results go to ``segmentation/``; None: none.
        options: further options of the bundle's ``evaluate.yaml``.

    Returns:
        The table of results, and what was written.
    """
    output_dir = check_output_dir(output_dir)
    metrics = output_dir / "metrics.json"
    manifest = load_manifest(datalist, options.get("dataset_dir"))
    remove_earlier_demo(metrics, manifest.name, rates)
    entries: list[dict[str, Any]] = []
    for rate in rates:
        print(f"\n{100 * rate:g} % of k-space:", flush=True)
        chosen = {"datalist": datalist, "rate": rate, "plane": PLANE, "output_dir": str(output_dir)}
        open_bundle(bundle, "evaluate.yaml", chosen | {"save_volumes": True, "figures": False} | options).run()
        entries += RECONSTRUCTION.read(metrics)["results"][-len(METHODS) :]
    first = manifest.section("testing")[0]
    image = Path(first["image"])
    written = [(entry, output_dir / f"volumes_{file_stem(entry)}") for entry in entries[:: len(METHODS)]]
    rows = [_figure_row(image, folder, entry["rate"]) for entry, folder in written]
    figure = comparison_figure(rows, output_dir / "demo.png", title=TITLE)
    lines = ["", metrics_table(entries), "", *gains(entries), ""]
    lines += [f"Figure: {figure}", f"Metrics: {metrics}", f"Volumes: {output_dir}/volumes_*/*.nii.gz"]
    if segmentation is not None:
        scan = {**first, "case": case_name(image)}
        lines += ["", segment_demo(scan, written, output_dir / "segmentation", *segmentation)]
    return "\n".join(lines)


def remove_earlier_demo(metrics: Path, dataset: str, rates: Sequence[float]) -> None:
    """Remove a ``metrics.json`` of an earlier demo, if there is one, and nothing else is in it."""
    if metrics.exists() and all(
        (entry["dataset"], entry["plane"]) == (dataset, PLANE) and entry["rate"] in rates
        for entry in RECONSTRUCTION.read(metrics)["results"]
    ):
        metrics.unlink()


def gains(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line a rate: how far the reconstruction, every second entry, is above the zero-filled image before it."""
    lines = []
    for pair in zip(entries[::2], entries[1::2], strict=True):
        psnr, ssim = ([entry[name]["mean"] for entry in pair] for name in ("psnr", "ssim"))
        gain = psnr[1] - psnr[0]
        lines.append(
            f"{100 * pair[0]['rate']:g} % of k-space: "
            f"PSNR {psnr[0]:.2f} -> {psnr[1]:.2f} dB ({gain:+.2f} dB), SSIM {ssim[0]:.4f} -> {ssim[1]:.4f}"
        )
        if gain < MIN_GAIN:
            lines[-1] += f"; BELOW the {MIN_GAIN:g} dB expected: are these the shipped weights?"
    return lines


def demo_segmenter(bundle: str | os.PathLike[str] = SEGMENTATION) -> tuple[str, Segmenter]:
    """The method and the segmenter of a bundle: its network, or the unsupervised mixture where it has no weights."""
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
    """
    scan = PairedScan(entry, segmenter)
    scores, columns = [], []
    for found, folder in reconstructions:
        print(f"\n{100 * found['rate']:g} % of k-space: segmentation by {method}", flush=True)
        images = {name: load_volume(folder / f"{scan.case}_{ending}.nii.gz") for name, ending in FILE_NAMES.items()}
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
    PAIRED.add(output_dir / "metrics.json", results)
    figure = scan.draw(columns, output_dir / "segmentation.png", f"{scan.case}: tissues by {method}")
    return f"{paired_table(results, ('dice',))}\n\nFigure: {figure}\nMetrics: {output_dir / 'metrics.json'}"


def _figure_row(image: Path, folder: Path, rate: float) -> dict[str, Any]:
    """The slice with most brain, of the full volume and of what was written, scaled as the full one."""
    full = plane_slices(load_volume(image), PLANE)
    low, high = full.min(), full.max()
    number = int((full > low + 0.1 * (high - low)).sum(dim=(1, 2)).argmax())
    row: dict[str, Any] = {"reference": full[number], "label": f"{100 * rate:g} % of k-space"}
    for key, what in FILE_NAMES.items():
        row[key] = plane_slices(load_volume(folder / f"{case_name(image)}_{what}.nii.gz"), PLANE)[number]
    return {key: value if key == "label" else (value - low) / (high - low) for key, value in row.items()}


def _result(found: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Protocol of a reconstruction's result, without its scores."""
    dropped = {
        "method",
        "n_people",
        "n_slices",
        "notes",
        "min_foreground",
        "known_fraction_by_symmetry",
        *METRICS,
    }
    protocol = normalise_protocol({name: value for name, value in found.items() if name not in dropped})
    return protocol | {"segmentation": method, "config_hash": options_hash(found["config_hash"], method)}
