"""Choose the weight of compressed sensing's sparsity on validation people.

    python -m benchmarks.select_compressed_sensing --dataset_dir DATA/oasis_malc

For each method, track and sampling rate: mean PSNR of a few coronal slices of the validation people for a grid of
weights. The best ones stand in cs_wavelet.yaml, cs_tv.yaml and total_variation.yaml of benchmarks/systems/configs.
No test person is read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.result_files import write_json
from benchmarks.systems import CompressedSensing, TotalVariation
from benchmarks.systems.compressed_sensing import METHODS as SIGPY
from monai_gan_recon.data import load_manifest
from monai_gan_recon.errors import exit_code
from monai_gan_recon.io import load_volume
from monai_gan_recon.measurement import magnitude
from monai_gan_recon.simulation import Undersample
from monai_gan_recon.transforms import CropPadSlices, ScaleMinMax, SlicesOfPlane
from monai_gan_recon.vocabulary import TRACKS

METHODS = (*SIGPY, "total_variation")
RATES = (0.09375, 0.49609375)
WEIGHTS = (0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the search, print the best weights and write ``benchmarks/results/compressed_sensing.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datalist", default="oasis_malc")
    parser.add_argument("--dataset_dir", help="root of its files; default: as the manifest says")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 256))
    parser.add_argument("--slices", type=int, default=2, help="slices of each person")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--weights", type=float, nargs="+", default=WEIGHTS)
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "compressed_sensing.json")
    options = parser.parse_args(arguments)
    volumes = validation_slices(options.datalist, options.dataset_dir, options.size, options.slices)
    grid = [(m, t, r) for m in options.methods for t in TRACKS for r in options.rates]
    rows: list[dict[str, Any]] = []
    for method, track, rate in tqdm(grid, desc="settings"):
        psnr = {w: mean_psnr(volumes, method, track, rate, w, options.iterations) for w in options.weights}
        best = max(psnr, key=psnr.__getitem__)
        rows.append({"method": method, "track": track, "rate": rate, "best": best, "psnr": psnr})
        tqdm.write(f"{method}, {track}, {rate:.2%}: weight {best:g}, {psnr[best]:.2f} dB")
    names = ("datalist", "size", "slices", "iterations")
    result = {name: getattr(options, name) for name in names} | {"people": sorted(volumes), "results": rows}
    write_json(options.output, result)


def validation_slices(
    datalist: str, dataset_dir: str | None, size: Sequence[int], slices: int
) -> dict[str, torch.Tensor]:
    """Evenly spaced coronal slices (1, slices, H, W) in [0, 1] of the middle half of each validation person's brain."""
    volumes = {}
    for entry in load_manifest(datalist, dataset_dir).section("validation"):
        volume = SlicesOfPlane("coronal")(ScaleMinMax()(load_volume(entry["image"], "coronal")))
        places = np.linspace(0.25, 0.75, slices) * (volume.shape[1] - 1)
        volumes[str(entry["person"])] = CropPadSlices(size)(volume[:, places.round().astype(int)]).as_tensor()
    return volumes


def mean_psnr(
    volumes: dict[str, torch.Tensor], method: str, track: str, rate: float, weight: float, iterations: int
) -> float:
    """Mean PSNR in dB (data range 1) of all slices of all people."""
    network: torch.nn.Module
    if method == "total_variation":
        network = TotalVariation(weight, real=track == "replica", iterations=iterations)
    else:
        network = CompressedSensing(method, weight, iterations=iterations)
    values = []
    for person, images in volumes.items():
        block = Undersample("gaussian1d", rate, track=track, phase=False)(images, person)
        estimate = magnitude(network(block["input"]))
        error = (estimate - images.movedim(1, 0)).square().mean(dim=(1, 2, 3))
        values.append(-10 * error.log10().mean())
    return round(float(torch.stack(values).mean()), 3)


if __name__ == "__main__":
    sys.exit(exit_code(main))
