"""Inference killed at random moments: what is there is whole, and the next run completes the rest."""

import os
import random
import signal
import subprocess
import sys
import time

import nibabel as nib
import numpy as np
import pytest

ENDS = ("recon.nii.gz", "recon.json", "zero_filled.nii.gz", "error.nii.gz", "report.html", "preview.png")
CASES = [f"scan{index}" for index in range(12)]


@pytest.mark.slow
def test_inference_killed_at_random_moments(bundle, write_nifti, tmp_path):
    rng, out = random.Random(0), tmp_path / "out"
    for index, case in enumerate(CASES):
        write_nifti(f"{case}.nii.gz", np.random.default_rng(index).random((40, 20, 40), dtype=np.float32))
    words = ["--input", tmp_path / "in", "--output_dir", out, "--plane", "coronal", "--rate", "0.5",
             "--save_zero_filled", "True", "--save_error_map", "True"]  # fmt: skip
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", "--config_file"]
    command = [str(c) for c in (*command, bundle / "configs" / "inference.yaml", *words)]
    kills = 0
    for _ in range(6):
        before = len(list(out.glob("*")))
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 90
            while (
                len(list(out.glob("*"))) <= before and process.poll() is None and time.monotonic() < deadline
            ):
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 1))
            kills += process.poll() is None
            os.kill(process.pid, signal.SIGKILL)
        for file in out.glob("scan*"):  # under its own name a file is whole
            if file.suffix == ".gz":
                assert np.isfinite(nib.load(file).get_fdata()).all()
            elif file.suffix == ".html":
                assert file.read_text().rstrip().endswith("</html>")
    assert kills >= 3
    assert subprocess.run(command, capture_output=True, timeout=300, check=False).returncode == 0
    assert sorted(os.listdir(out)) == sorted(f"{case}_{end}" for case in CASES for end in ENDS)
