"""The demo: the bundle reconstructs a real volume at 10 % and 50 % of k-space and compares.

Run ``python -m monai_gan_recon.evaluation.demo``; it needs no data and no network.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigWorkflow

from monai_gan_recon.bundle import fail_clearly
from monai_gan_recon.data import LoadVolume, case_name, load_manifest
from monai_gan_recon.evaluation.figures import comparison_rows_figure
from monai_gan_recon.evaluation.metrics_file import read_metrics
from monai_gan_recon.evaluation.table import metrics_table
from monai_gan_recon.transforms import SlicesOfPlane

RATES = (0.1, 0.5)
BUNDLE = "brain_mri_gan_reconstruction"
PLANE = "coronal"
TITLE = "Undersampled MRI, reconstructed"


def find_bundle(path: str | os.PathLike[str] | None = None) -> Path:
    """Folder of the reconstruction bundle: the one given, or that of the source tree around this package.

    Raises:
        FileNotFoundError: if there is no bundle.
    """
    source_tree = Path(__file__).resolve().parents[2]
    candidates = (
        [Path(path).expanduser()]
        if path
        else [folder / "bundles" / BUNDLE for folder in (source_tree, Path())]
    )
    for folder in candidates:
        if (folder / "configs" / "evaluate.yaml").is_file():
            return folder.absolute()
    raise FileNotFoundError(
        f"{candidates[0]}: no bundle (configs/evaluate.yaml) there; give its folder with --bundle"
    )


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
    **options: Any,
) -> str:
    """Reconstruct and score the testing volumes of a manifest at several rates.

    Args:
        output_dir: folder for ``metrics.json``, CSV files, NIfTIs (``volumes_10/...``) and ``demo.png``.
        bundle: folder of the bundle.
        datalist: name or file of a manifest.
        rates: sampling rates.
        options: further options of the bundle's ``evaluate.yaml``.

    Returns:
        The table of results, and what was written.
    """
    output_dir = Path(output_dir)
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
    image = Path(load_manifest(datalist, options.get("dataset_dir"), section="testing")[0]["image"])
    rows = [_figure_row(image, output_dir / f"volumes_{100 * rate:g}", rate) for rate in rates]
    figure = comparison_rows_figure(rows, output_dir / "demo.png", title=TITLE)
    metrics = output_dir / "metrics.json"
    lines = ["", metrics_table(metrics), "", *gains(metrics), ""]
    return "\n".join(
        [*lines, f"Figure: {figure}", f"Metrics: {metrics}", f"Volumes: {output_dir}/volumes_*/*.nii.gz"]
    )


def gains(metrics: Path) -> list[str]:
    """One line a rate: how far the reconstruction is above the zero-filled image in PSNR and SSIM."""
    found: dict[float, dict[str, dict[str, Any]]] = {}
    for entry in read_metrics(metrics)["results"]:
        found.setdefault(entry["rate"], {})[entry["method"]] = entry
    lines = []
    for rate, methods in found.items():
        psnr, ssim = (
            [methods[method][name]["mean"] for method in ("zero_filled", "reconstruction")]
            for name in ("psnr", "ssim")
        )
        lines.append(
            f"{100 * rate:g} % of k-space: PSNR {psnr[0]:.2f} -> {psnr[1]:.2f} dB "
            f"({psnr[1] - psnr[0]:+.2f} dB), "
            f"SSIM {ssim[0]:.4f} -> {ssim[1]:.4f}"
        )
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of the demo."""
    parser = argparse.ArgumentParser(prog="python -m monai_gan_recon.evaluation.demo", description=__doc__)
    parser.add_argument(
        "--output_dir", default="outputs/demo", help="folder of the results (default: %(default)s)"
    )
    parser.add_argument("--bundle", help="folder of the bundle (default: that of the source tree)")
    given = parser.parse_args(arguments)
    print(fail_clearly(lambda: run_demo(given.output_dir, find_bundle(given.bundle))))


if __name__ == "__main__":
    main()
