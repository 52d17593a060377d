"""The demo: the MNI152 template reconstructed at 10 % and 50 % of k-space, compared, and its tissues segmented.

What ``monai-gan-recon demo`` does; it needs no data and no network.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigWorkflow

from monai_gan_recon.data import case_name, load_manifest
from monai_gan_recon.evaluation.figures import comparison_rows_figure
from monai_gan_recon.evaluation.metrics_file import file_stem, identity, read_metrics
from monai_gan_recon.evaluation.paired.demo import segment_demo
from monai_gan_recon.evaluation.paired.scan import Segmenter
from monai_gan_recon.evaluation.table import metrics_table
from monai_gan_recon.io import LoadVolume
from monai_gan_recon.metrics.conventions import METHODS
from monai_gan_recon.transforms import SlicesOfPlane

RATES = (0.1, 0.5)
PLANE = "coronal"
TITLE = "Undersampled MRI, reconstructed"
MIN_GAIN = 3.0
"""Gain in PSNR over the zero-filled image, in dB, that the shipped weights reach at every rate."""


def evaluate_bundle(bundle: Path, **options: Any) -> None:
    """Run a bundle's ``evaluate.yaml``, as ``python -m monai.bundle run evaluate`` does.

    Args:
        bundle: its folder.
        options: its options, such as ``rate=0.1``.
    """
    workflow = ConfigWorkflow(
        config_file=str(bundle / "configs" / "evaluate.yaml"),
        workflow_type="infer",
        bundle_root=str(bundle),
        **options,
    )
    workflow.initialize()
    workflow.run()
    workflow.finalize()


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
        segmentation: name of the method and segmenter, whose results go to ``segmentation/``; None: no
            segmentation.
        options: further options of the bundle's ``evaluate.yaml``.

    Returns:
        The table of results, and what was written.
    """
    output_dir = Path(output_dir)
    metrics = output_dir / "metrics.json"
    manifest = load_manifest(datalist, options.get("dataset_dir"))
    remove_earlier_demo(metrics, manifest.name, rates)
    entries: list[dict[str, Any]] = []
    for rate in rates:
        print(f"\n{100 * rate:g} % of k-space:", flush=True)
        evaluate_bundle(
            bundle,
            datalist=datalist,
            rate=rate,
            plane=PLANE,
            output_dir=str(output_dir),
            save_volumes=True,
            figures=False,
            **options,
        )
        entries += read_metrics(metrics)["results"][-len(METHODS) :]
    first = manifest.section("testing")[0]
    image = Path(first["image"])
    written = [(entry, output_dir / f"volumes_{file_stem(entry)}") for entry in entries[:: len(METHODS)]]
    rows = [_figure_row(image, folder, entry["rate"]) for entry, folder in written]
    figure = comparison_rows_figure(rows, output_dir / "demo.png", title=TITLE)
    lines = ["", metrics_table({"results": entries}), "", *gains(entries), ""]
    lines += [f"Figure: {figure}", f"Metrics: {metrics}", f"Volumes: {output_dir}/volumes_*/*.nii.gz"]
    if segmentation is not None:
        scan = {**first, "case": case_name(image)}
        lines += ["", segment_demo(scan, written, output_dir / "segmentation", *segmentation)]
    return "\n".join(lines)


def remove_earlier_demo(metrics: Path, dataset: str, rates: Sequence[float]) -> None:
    """Remove a ``metrics.json`` that holds nothing but results of an earlier demo.

    Args:
        metrics: the file; it need not exist.
        dataset: name of the demo's data set.
        rates: sampling rates of the demo.

    Raises:
        ValueError: if there is another kind of file.
    """
    if metrics.exists() and all(
        (entry["dataset"], entry["plane"]) == (dataset, PLANE) and entry["rate"] in rates
        for entry in read_metrics(metrics)["results"]
    ):
        metrics.unlink()


def gains(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line a protocol: how far the reconstruction is above the zero-filled image in PSNR and SSIM.

    Args:
        entries: results of ``metrics.json``; those of the same protocol are compared.
    """
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for entry in entries:
        found.setdefault(str(identity(entry)), {})[entry["method"]] = entry
    lines = []
    for methods in found.values():
        if not set(METHODS) <= set(methods):
            continue
        psnr, ssim = ([methods[method][name]["mean"] for method in METHODS] for name in ("psnr", "ssim"))
        gain = psnr[1] - psnr[0]
        lines.append(
            f"{100 * methods['reconstruction']['rate']:g} % of k-space: "
            f"PSNR {psnr[0]:.2f} -> {psnr[1]:.2f} dB ({gain:+.2f} dB), SSIM {ssim[0]:.4f} -> {ssim[1]:.4f}"
        )
        if gain < MIN_GAIN:
            lines[-1] += f"; BELOW the {MIN_GAIN:g} dB expected: are these the shipped weights?"
    return lines


def _figure_row(image: Path, folder: Path, rate: float) -> dict[str, Any]:
    """The slice with most brain, of the full volume and of what was written, scaled as the full one."""
    to_slices = SlicesOfPlane(PLANE)
    read = LoadVolume(PLANE)
    full = to_slices(read(image))[0].as_subclass(torch.Tensor)
    low, high = full.min(), full.max()
    number = int((full > low + 0.1 * (high - low)).sum(dim=(1, 2)).argmax())
    row: dict[str, Any] = {"reference": full[number], "label": f"{100 * rate:g} % of k-space"}
    for key, what in (("zero_filled", "zero_filled"), ("reconstruction", "recon")):
        volume = to_slices(read(folder / f"{case_name(image)}_{what}.nii.gz"))[0]
        row[key] = volume[number].as_subclass(torch.Tensor)
    return {key: value if key == "label" else (value - low) / (high - low) for key, value in row.items()}
