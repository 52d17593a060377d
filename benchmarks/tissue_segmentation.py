"""Score the tissue segmentation on people it never saw, and what undersampling and reconstruction do to it.

    python -m benchmarks.tissue_segmentation                    # everything; paired: a minute a scan and rate on a core
    python -m benchmarks.tissue_segmentation --steps originals  # original images against FAST's labels
    python -m benchmarks.tissue_segmentation --steps paired     # zero-filled and reconstructed images, all protocols
    python -m benchmarks.tissue_segmentation --steps paired --protocols points
    python -m benchmarks.tissue_segmentation --steps paired_cell --cell_weights CELL/training/checkpoints/model.pt
    python -m benchmarks.tissue_segmentation --steps dimensions --weights_3d CHECKPOINTS/model.pt

Runs the segmentation bundle's ``evaluate`` once for each method and preprocessing and ``monai-gan-recon paired`` for
each sampling protocol, and adds their results to ``benchmarks/results``. The last two steps need weights that are not
shipped: ``paired_cell`` reconstructs with those of a cell of the paper's tables, trained on other people of the same
data at this rate alone; ``dimensions`` compares the network with the 3-D one of ``train_3d.yaml``, in turn. The
folder of the data sets is taken from MONAI_GAN_RECON_DATA.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.result_files import run_command, write_json
from monai_gan_recon.errors import exit_code
from monai_gan_recon.evaluation import PAIRED, TISSUES

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "bundles" / "brain_mri_tissue_segmentation"
DATALIST = "oasis_malc"
PROTOCOLS = {
    "columns": ["--pattern", "gaussian1d", "--rates", "0.09375", "0.49609375"],
    "points": ["--pattern", "gaussian2d", "--rates", "0.09375"],
    "points_simulated": ["--pattern", "gaussian2d", "--rates", "0.09375", "--track", "simulated"],
}
"""Options of the paired evaluation: columns, or points of both directions of a slice, as a 3-D scan with its readout
across the slices can sample them; of the magnitude image, or with phase and noise."""

ORIGINALS: list[dict[str, str]] = [
    {"method": method, **preprocessing}
    for method in ("network", "mixture")
    for preprocessing in ({}, {"bias_field": "true"}, {"denoise": "true"})
]


STEPS = ("originals", "paired")
"""Steps that need nothing but what is shipped."""


def evaluate(folder: Path, *options: str, configs: Sequence[str] = ("evaluate.yaml",)) -> None:
    """Run the bundle's ``evaluate`` on the testing people; its results gather in the folder's ``metrics.json``."""
    files = str([str(BUNDLE / "configs" / name) for name in configs])
    command = [sys.executable, "-m", "monai.bundle", "run", "evaluate", "--config_file", files]
    command += ["--datalist", DATALIST, "--output_dir", str(folder), *options]
    run_command(command)


def originals(folder: Path, results: Path) -> None:
    """Segment original images by each method, with each step of preprocessing."""
    for options in ORIGINALS:
        evaluate(folder, *(part for name, value in options.items() for part in (f"--{name}", value)))
    write_json(results / "tissue_segmentation.json", TISSUES.read(folder / "metrics.json"))


def dimensions(folder: Path, results: Path, weights_3d: str) -> None:
    """Segment original images by the 3-D network and by the 2.5-D one, one after the other."""
    evaluate(folder / "3-D", "--weights", weights_3d, configs=("evaluate.yaml", "train_3d.yaml"))
    evaluate(folder / "2.5-D")
    for name in ("3-D", "2.5-D"):
        content = TISSUES.read(folder / name / "metrics.json")
        write_json(results / f"tissue_segmentation_{name}.json", content)


def paired(folder: Path, target: Path, protocols: Sequence[str], *options: str) -> None:
    """Segment original, zero-filled and reconstructed images of the same people, undersampled by each protocol."""
    for name in protocols:
        command = [sys.executable, "-m", "monai_gan_recon", "paired", "--datalist", DATALIST]
        command += [*PROTOCOLS[name], *options, "--output_dir", str(folder)]
        run_command(command)
    PAIRED.add(target, PAIRED.results(folder / "metrics.json"))


def main() -> None:
    """Run the steps and write their results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--steps", nargs="+", choices=(*STEPS, "paired_cell", "dimensions"), default=list(STEPS))
    add("--protocols", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS), help="of the paired step")
    add("--cell_weights", help="model.pt of the cell ours 256x256, 9.375 %% (paired_cell)")
    add("--weights_3d", help="model.pt of a training by train_3d.yaml (dimensions)")
    add("--output_dir", type=Path, default=Path("outputs") / "tissue_benchmark")
    arguments = parser.parse_args()
    for step, name in (("paired_cell", "cell_weights"), ("dimensions", "weights_3d")):
        if step in arguments.steps and getattr(arguments, name) is None:
            parser.error(f"--steps {step} needs --{name} FILE")
    folder, results = arguments.output_dir.resolve(), Path(__file__).parent / "results"
    if "originals" in arguments.steps:
        originals(folder / "originals", results)
    if "paired" in arguments.steps:
        paired(folder / "paired", results / "tissue_paired.json", arguments.protocols)
    if "paired_cell" in arguments.steps:
        options = ["--rates", "0.09375", "--weights", arguments.cell_weights]
        paired(folder / "paired_cell", results / "tissue_paired_cell.json", ["columns"], *options)
    if "dimensions" in arguments.steps:
        dimensions(folder / "dimensions", results, arguments.weights_3d)


if __name__ == "__main__":
    sys.exit(exit_code(main))
