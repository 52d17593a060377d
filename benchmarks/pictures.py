"""Draw the pictures of the docs from real data, through the bundle's inference.

    MONAI_GAN_RECON_DATA=DATA python -m benchmarks.pictures

``docs/images/head.png``: a head with skull of the test split (ds000011, subject 04, PDDL) at a quarter of k-space.
``docs/images/twix_*.png``: phantoms of Siemens raw files (DATA/twix, MIT). Reconstructions stay in ``--output_dir``;
those found there are not made again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from matplotlib.figure import Figure
from monai.bundle import ConfigWorkflow

from benchmarks.result_files import ROOT
from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.errors import exit_code
from monai_gan_recon.resources import RECONSTRUCTION, bundle_path

IMAGES = ROOT / "docs" / "images"
HEAD, RATE, SLICE = "ds000011/sub-04/anat/sub-04_T1w.nii.gz", 0.25, 80
PHANTOMS = ("gre_2coil", "pulseq_16coil", "pulseq_32coil")


def reconstruct(source: Path, output_dir: Path, **options: Any) -> dict[str, nib.Nifti1Image]:
    """Zero-filled image and reconstruction of a file, as ``python -m monai.bundle run inference`` makes them."""
    if not list(output_dir.glob("*_recon.nii.gz")):
        bundle = bundle_path(RECONSTRUCTION)
        workflow = ConfigWorkflow(
            config_file=str(bundle / "configs" / "inference.yaml"),
            workflow_type="infer",
            bundle_root=str(bundle),
            input=str(source),
            output_dir=str(output_dir),
            save_zero_filled=True,
            **options,
        )
        workflow.initialize()
        workflow.run()
        workflow.finalize()
    return {
        name: nib.as_closest_canonical(nib.load(next(output_dir.glob(f"*_{name}.nii.gz"))))
        for name in ("zero_filled", "recon")
    }


def draw(panels: Mapping[str, np.ndarray], path: Path, aspect: float = 1.0) -> None:
    """Images side by side in one gray scale, that of the last."""
    last = list(panels.values())[-1]
    height = 3.2 * aspect * last.shape[0] / last.shape[1]
    figure = Figure(figsize=(3.2 * len(panels), height + 0.45), dpi=110, facecolor="black", layout="constrained")
    for i, (title, image) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), i + 1)
        axes.imshow(image, cmap="gray", vmin=0, vmax=np.percentile(last, 99.7), aspect=aspect, interpolation="lanczos")
        axes.set_title(title, color="white", fontsize=11)
        axes.axis("off")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", facecolor="black")
    print(path)


def psnr(image: np.ndarray, reference: np.ndarray, peak: float) -> float:
    """PSNR of a slice in dB, over the whole frame."""
    return float(10 * np.log10(peak**2 / np.mean((image - reference) ** 2)))


def head(data: Path, output_dir: Path) -> None:
    """Coronal slice of a head: zero-filled, reconstruction, fully sampled."""
    images = reconstruct(data / HEAD, output_dir / "head", rate=RATE)
    reference = nib.as_closest_canonical(nib.load(data / HEAD))
    volume = reference.get_fdata()
    x, _, z = (float(size) for size in reference.header.get_zooms())
    slices = [np.rot90(image.get_fdata()[:, SLICE]) for image in images.values()]
    full = np.rot90(volume[:, SLICE])
    scores = [f"{psnr(image, full, volume.max()):.1f} dB" for image in slices]
    titles = [f"Zero-filled, R = {1 / RATE:g}: {scores[0]}", f"Reconstruction: {scores[1]}", "Fully sampled"]
    draw(dict(zip(titles, [*slices, full], strict=True)), IMAGES / "head.png", z / x)


def phantoms(data: Path, output_dir: Path) -> None:
    """Coil combination and network output of each Siemens file, whose samples are complete."""
    for name in PHANTOMS:
        images = reconstruct(data / "twix" / f"{name}.dat", output_dir / name)
        combined, network = (np.squeeze(image.get_fdata()) for image in images.values())
        draw({"Network": network, "Coils combined": combined}, IMAGES / f"twix_{name}.png")


def main() -> None:
    """Draw all pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output_dir", type=Path, default=Path("outputs/pictures"))
    options = parser.parse_args()
    folder = os.environ.get("MONAI_GAN_RECON_DATA")
    if not folder:
        parser.error("set MONAI_GAN_RECON_DATA to the folder of the data sets")
    head(Path(folder), options.output_dir)
    phantoms(Path(folder), options.output_dir)


if __name__ == "__main__":
    sys.exit(exit_code(main))
