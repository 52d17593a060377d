"""Measure the brain extraction on people it was not trained on, and draw what it finds.

    python -m benchmarks.brain_extraction                       # all steps; DATA from MONAI_GAN_RECON_DATA
    python -m benchmarks.brain_extraction --steps pairs --pairs ch2.nii.gz ch2bet.nii.gz

* ``simulated``: heads of known brains around the testing people of two manifests (skull-stripped), 2 mm;
* ``stripped``: the same people without a head: in how many is a skull seen?
* ``whole``: heads with skull of six sources, most without a reference: what is found, or why it is refused;
* ``pairs``: a whole head and the same head stripped (``--pairs``), such as ch2 and ch2bet of Debian's mricron-data
  (Colin27).

``simulated`` and ``pairs`` measure thresholding and morphology, too. Figures go into ``benchmarks/results``, pictures
into ``--output_dir``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from monai.data import MetaTensor
from monai.transforms import Orientation
from scipy import ndimage

from benchmarks.result_files import RESULTS, read_results, write_json
from benchmarks.training.brain_extraction import coarse_brain
from monai_gan_recon.data import load_manifest
from monai_gan_recon.io import load_volume
from monai_gan_recon.resources import SEGMENTATION, bundle_path
from monai_gan_recon.segmentation.brain_extraction import ExtractBrain
from monai_gan_recon.segmentation.brain_mask import BrainMask, spacing_mm
from monai_gan_recon.simulation import RandHead

STRIPPED = ("oasis_malc", "ds002748")
WHOLE = {
    "ds000011 T1": "ds000011/sub-0[45]/anat/*_T1w.nii.gz",
    "ds000011 T2": "ds000011/sub-0[45]/anat/*_inplaneT2.nii.gz",
    "MPRAGE (DICOM)": "dicom/fnndsc_mprage",
    "MS heads": "ms_heads/patient12_*.nii.gz",
    "tumour T1+Gd": "tumour/*_image.nrrd",
    "Brain-Tumor-Progression": "brain_tumour_progression/p0[78]_*.nii.gz",
}
"""Heads with skull of the manifests' testing people, and of sets that are only for tests."""
FILE = RESULTS / "brain_extraction.json"
STEPS = ("simulated", "stripped", "whole", "pairs")


SIMULATED_MM = 2.0
"""Spacing of the simulated heads."""


def morphology(image: MetaTensor, radius_mm: float = 5.0) -> np.ndarray:
    """The classical way (X, Y, Z): what is bright, eroded, its largest piece, dilated, holes filled."""
    step = spacing_mm(image)
    bright = BrainMask("otsu", closing_mm=0)(image)[0].numpy()
    values = image.as_tensor()[0].numpy()
    bright &= values > 0.7 * np.median(values[bright])
    core = ndimage.distance_transform_edt(bright, step) > radius_mm
    pieces, count = ndimage.label(core)
    if count == 0:
        return bright
    core = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
    grown = ndimage.distance_transform_edt(~core, step) <= radius_mm + 3
    closed: np.ndarray = ndimage.distance_transform_edt(grown, step) > 3
    return ndimage.binary_fill_holes(closed)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Dice of two masks."""
    return float(2 * (a & b).sum() / max(1, a.sum() + b.sum()))


def brains(data_root: Path, limit: int | None = None) -> Iterator[tuple[str, str, MetaTensor]]:
    """Data set, case and stripped volume (1, X, Y, Z) of the testing scans, at most ``limit`` of a set."""
    for name in STRIPPED:
        for entry in load_manifest(name, data_root / name).section("testing")[:limit]:
            case = f"{name} {Path(entry['image']).name.split('_T1w')[0]}"
            yield name, case, load_volume(entry["image"])


def measure(
    extract: ExtractBrain, image: MetaTensor, truth: np.ndarray | None = None
) -> tuple[dict[str, Any], np.ndarray]:
    """What is found in an image, with Dice against the truth where it is known; and the mask (X, Y, Z)."""
    start = time.perf_counter()
    found = extract(image)
    row: dict[str, Any] = {"seconds": round(time.perf_counter() - start, 2), "skull": found.skull}
    row |= {"rim_mm": round(min(found.rim_mm, 1e3), 1), "volume_ml": round(found.volume_ml, 1)}
    row |= {"certainty": round(found.certainty, 3), "largest": round(found.largest, 3), "refused": None}
    try:
        found.check()
    except ValueError as error:
        row["refused"] = str(error)
    mask = found.mask.as_tensor()[0].numpy()
    if truth is not None:
        row |= {"true_ml": round(float(truth.sum() * np.prod(spacing_mm(image)) / 1000), 1)}
        row |= {
            "dice": round(dice(mask, truth), 4),
            "dice_morphology": round(dice(morphology(image), truth), 4),
        }
    return row, mask


def draw(file: Path, image: MetaTensor, masks: dict[str, np.ndarray], title: str) -> None:
    """Three sections on each side of the middle of the first mask, with the masks' outlines."""
    upright = Orientation("RAS", labels=None)
    values = upright(image).as_tensor()[0].numpy()
    turned = [
        upright(MetaTensor(torch.from_numpy(mask[None].astype(np.float32)), affine=image.affine))[0].numpy() > 0.5
        for mask in masks.values()
    ]
    spacing = spacing_mm(upright(image))
    figure = Figure(figsize=(13, 8.5), facecolor="black", layout="constrained")
    axes = figure.subplots(3, 4)
    figure.suptitle(title, color="white", fontsize=10)
    top = np.percentile(values[values > 0], 99)
    for axis in range(3):
        found = np.flatnonzero(turned[0].any(axis=tuple({0, 1, 2} - {axis})))
        low, high = (found[0], found[-1]) if len(found) else (0, values.shape[axis] - 1)
        for column, part in enumerate((0.2, 0.4, 0.6, 0.8)):
            at = round(low + part * (high - low))
            across = [step for a, step in enumerate(spacing) if a != axis]
            axes[axis, column].imshow(
                np.take(values, at, axis).T,
                cmap="gray",
                origin="lower",
                vmax=top,
                aspect=across[1] / across[0],
            )
            for mask, colour in zip(turned, ("red", "lime"), strict=False):
                if np.take(mask, at, axis).any():
                    axes[axis, column].contour(np.take(mask, at, axis).T, [0.5], colors=colour, linewidths=0.7)
            axes[axis, column].axis("off")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=80)


def simulated(extract: ExtractBrain, data_root: Path, folder: Path, limit: int | None) -> list[dict[str, Any]]:
    """Heads around testing people's brains, one a scan, each of its own contrast and faults; the worst are drawn."""
    rows, seen = [], []
    for seed, (dataset, case, brain) in enumerate(brains(data_root, limit)):
        make = RandHead().set_random_state(1000 + seed)
        head, truth = make(coarse_brain(brain, SIMULATED_MM))
        row, mask = measure(extract, head, truth.as_tensor()[0].numpy())
        rows.append({"dataset": dataset, "case": case, "contrast": make.image.contrast, **row})
        seen.append((rows[-1]["dice"], case, head, {"found": mask, "truth": truth.as_tensor()[0].numpy()}))
        print(rows[-1], flush=True)
    for score, case, head, masks in sorted(seen, key=lambda one: one[0])[:3]:
        draw(folder / f"simulated_{case.replace(' ', '_')}.png", head, masks, f"{case}: Dice {score}")
    return rows


def stripped(extract: ExtractBrain, data_root: Path, folder: Path, limit: int | None) -> list[dict[str, Any]]:
    """Testing people's brains as they are."""
    rows = []
    for dataset, case, brain in brains(data_root, limit):
        row, _ = measure(extract, brain)
        rows.append({"dataset": dataset, "case": case, **row})
        print(rows[-1], flush=True)
    return rows


def whole(extract: ExtractBrain, data_root: Path, folder: Path, limit: int | None) -> list[dict[str, Any]]:
    """Heads with skull as they are."""
    rows = []
    for dataset, pattern in WHOLE.items():
        for file in sorted(data_root.glob(pattern))[:limit]:
            image = load_volume(file)
            row, mask = measure(extract, image)
            rows.append({"dataset": dataset, "case": file.name.split(".")[0], **row})
            draw(folder / f"whole_{rows[-1]['case']}.png", image, {"found": mask}, f"{dataset} {rows[-1]}")
            print(rows[-1], flush=True)
    return rows


def pairs(extract: ExtractBrain, files: list[Path], folder: Path, limit: int | None) -> list[dict[str, Any]]:
    """A whole head against the mask of the same head stripped, on one grid."""
    image, brain = (load_volume(file) for file in files)
    truth = ndimage.binary_fill_holes(brain.as_tensor()[0].numpy() > 0)
    row, mask = measure(extract, image, truth)
    draw(folder / f"pair_{files[0].name.split('.')[0]}.png", image, {"found": mask, "truth": truth}, str(row))
    print(row, flush=True)
    return [{"dataset": "Colin27", "case": files[0].name.split(".")[0], **row}]


def main() -> None:
    """Run the steps and write their results; those of other steps stay."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    add(
        "--data_root",
        type=Path,
        default=os.environ.get("MONAI_GAN_RECON_DATA"),
        help="folder of the data sets",
    )
    add("--pairs", type=Path, nargs=2, metavar=("WHOLE", "STRIPPED"))
    add("--weights", type=Path, default=bundle_path(SEGMENTATION) / "models" / "brain_extraction.pt")
    add("--limit", type=int, help="scans of each data set, at most (default: all)")
    add("--output_dir", type=Path, default=Path("outputs") / "brain_extraction")
    options = parser.parse_args()
    extract = ExtractBrain(options.weights)
    steps: dict[str, Callable[..., list[dict[str, Any]]]] = {
        "simulated": simulated,
        "stripped": stripped,
        "whole": whole,
        "pairs": pairs,
    }
    for step in options.steps:
        if step == "pairs" and options.pairs is None:
            continue
        source = options.pairs if step == "pairs" else options.data_root
        rows = steps[step](extract, source, options.output_dir, options.limit)
        results = read_results(FILE.stem) if FILE.is_file() else []
        results = [row for row in results if row["step"] != step] + [{"step": step, **row} for row in rows]
        write_json(FILE, {"results": results})


if __name__ == "__main__":
    main()
