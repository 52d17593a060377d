"""Score the tissue segmentation on people it never saw, and what undersampling and reconstruction do to it.

    python -m benchmarks.tissue_segmentation                    # everything; paired: a minute a scan and rate on a core
    python -m benchmarks.tissue_segmentation --steps originals  # original images against FAST's labels
    python -m benchmarks.tissue_segmentation --steps paired     # zero-filled and reconstructed images, all protocols
    python -m benchmarks.tissue_segmentation --steps paired --protocols points

Runs the segmentation bundle's ``evaluate`` once for each method and preprocessing, and ``evaluation.paired`` once for
each sampling protocol, and adds their results to ``benchmarks/results``. The folder of the data sets is taken from
MONAI_GAN_RECON_DATA.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from monai_gan_recon.data.writing import atomic_path
from monai_gan_recon.evaluation.paired.files import read_paired_metrics, write_paired_metrics

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "bundles" / "brain_mri_tissue_segmentation"
DATALIST = "oasis_malc"
PROTOCOLS = {
    "columns": ["--pattern", "gaussian1d", "--rates", "0.09375", "0.49609375"],
    "points": ["--pattern", "gaussian2d", "--rates", "0.09375"],
}
"""Options of the paired evaluation: columns, or points of both directions of a slice, as a 3-D scan with its readout
across the slices can sample them."""

ORIGINALS: list[dict[str, str]] = [
    {"method": method, **preprocessing}
    for method in ("network", "mixture")
    for preprocessing in ({}, {"bias_field": "true"}, {"denoise": "true"})
]


def originals(folder: Path, results: Path) -> None:
    """Segment original images by each method, with each step of preprocessing."""
    for options in ORIGINALS:
        command = [sys.executable, "-m", "monai.bundle", "run", "evaluate"]
        command += ["--config_file", str(BUNDLE / "configs" / "evaluate.yaml"), "--datalist", DATALIST]
        command += ["--output_dir", str(folder / "originals")]
        command += [part for name, value in options.items() for part in (f"--{name}", value)]
        subprocess.run(command, check=True)
    content = json.loads((folder / "originals" / "metrics.json").read_text())
    with atomic_path(results / "tissue_segmentation.json") as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def paired(folder: Path, results: Path, protocols: Sequence[str]) -> None:
    """Segment original, zero-filled and reconstructed images of the same people, undersampled by each protocol."""
    for name in protocols:
        command = [sys.executable, "-m", "monai_gan_recon.evaluation.paired", "--datalist", DATALIST]
        command += [*PROTOCOLS[name], "--output_dir", str(folder / "paired")]
        subprocess.run(command, check=True)
    entries = read_paired_metrics(folder / "paired" / "metrics.json")
    write_paired_metrics(results / "tissue_paired.json", entries)


def main() -> None:
    """Run the steps and write their results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--steps", nargs="+", choices=("originals", "paired"), default=("originals", "paired")
    )
    parser.add_argument(
        "--protocols", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS), help="of the paired step"
    )
    parser.add_argument("--output_dir", type=Path, default=Path("outputs") / "tissue_benchmark")
    arguments = parser.parse_args()
    folder, results = arguments.output_dir.resolve(), Path(__file__).parent / "results"
    if "originals" in arguments.steps:
        originals(folder, results)
    if "paired" in arguments.steps:
        paired(folder, results, arguments.protocols)


if __name__ == "__main__":
    main()
