"""Speed and memory of inference through the command line, on a 256x256x180 volume.

    python -m benchmarks.inference_speed

Writes a random smooth volume, runs the reconstruction bundle's inference on it, and reports the slices per second of
the network stage (as the command prints it), the seconds of the whole command, and its peak memory.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from benchmarks.result_files import write_json
from monai_gan_recon.engines import bf16_pays
from monai_gan_recon.errors import exit_code
from monai_gan_recon.io import save_nifti

BUNDLE = Path(__file__).parents[1] / "bundles" / "brain_mri_gan_reconstruction"


def main() -> None:
    """Run the measurement, print it and write ``benchmarks/results/inference_speed.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=180)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "inference_speed.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        volume = gaussian_filter(np.random.default_rng(0).random((256, arguments.slices, 256)), 4)
        path = save_nifti(volume.astype(np.float32), np.eye(4), Path(folder) / "volume.nii.gz")
        command = [sys.executable, "-m", "monai.bundle", "run", "inference"]
        command += ["--config_file", str(BUNDLE / "configs" / "inference.yaml")]
        command += ["--input", str(path), "--output_dir", str(Path(folder) / "out"), "--device", "cpu"]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2  # KiB on Linux
    found = re.search(r"([\d.]+) s per slice in network", done.stdout + done.stderr)
    if found is None:
        sys.exit(f"the command did not print its seconds per slice:\n{done.stdout}\n{done.stderr}")
    result = {
        "size": [256, 256, arguments.slices],
        "network_slices_per_second": round(1 / float(found[1]), 2),
        "threads": torch.get_num_threads(),
        "bf16": bf16_pays("cpu"),
        "whole_command_seconds": round(seconds, 1),
        "peak_memory_gib": round(peak, 2),
    }
    print(json.dumps(result, indent=2))
    write_json(arguments.output, result)


if __name__ == "__main__":
    sys.exit(exit_code(main))
