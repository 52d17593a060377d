"""Score the tissue segmentation on people it never saw, and what undersampling and reconstruction do to it.

    python -m benchmarks.tissue_segmentation                    # everything, some 40 minutes on two cores
    python -m benchmarks.tissue_segmentation --steps originals  # original images against FAST's labels
    python -m benchmarks.tissue_segmentation --steps paired     # zero-filled and reconstructed images, both rates

Runs the segmentation bundle's ``evaluate`` once for each method and preprocessing, and ``evaluation.paired`` with all
rates, and copies their results to ``benchmarks/results``. The folder of the data sets is taken from
MONAI_GAN_RECON_DATA.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from monai_gan_recon.data.writing import atomic_path

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "bundles" / "brain_mri_tissue_segmentation"
DATALIST = "oasis_malc"
RATES = (0.09375, 0.49609375)
ORIGINALS: list[dict[str, str]] = [
    {"method": method, **preprocessing}
    for method in ("network", "mixture")
    for preprocessing in ({}, {"bias_field": "true"}, {"denoise": "true"})
]


def originals(folder: Path) -> Path:
    """Segment original images by each method, with each step of preprocessing; returns the metrics file."""
    for options in ORIGINALS:
        command = [sys.executable, "-m", "monai.bundle", "run", "evaluate"]
        command += ["--config_file", str(BUNDLE / "configs" / "evaluate.yaml"), "--datalist", DATALIST]
        command += ["--output_dir", str(folder / "originals")]
        command += [part for name, value in options.items() for part in (f"--{name}", value)]
        subprocess.run(command, check=True)
    return folder / "originals" / "metrics.json"


def paired(folder: Path, rates: tuple[float, ...] = RATES) -> Path:
    """Segment original, zero-filled and reconstructed images of the same people; returns the metrics file."""
    command = [sys.executable, "-m", "monai_gan_recon.evaluation.paired", "--datalist", DATALIST]
    command += ["--rates", *map(str, rates), "--output_dir", str(folder / "paired")]
    subprocess.run(command, check=True)
    return folder / "paired" / "metrics.json"


STEPS = {"originals": (originals, "tissue_segmentation.json"), "paired": (paired, "tissue_paired.json")}


def main() -> None:
    """Run the steps and write their results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--output_dir", type=Path, default=Path("outputs") / "tissue_benchmark")
    arguments = parser.parse_args()
    for step in arguments.steps:
        run, name = STEPS[step]
        content = json.loads(run(arguments.output_dir.resolve()).read_text())
        with atomic_path(Path(__file__).parent / "results" / name) as temporary:
            temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
