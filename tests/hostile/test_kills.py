"""Commands killed at 40 random moments: what is there is whole, and the next run completes the rest and tidies up."""

import gzip
import hashlib
import json
import random
import shutil
import time

import nibabel as nib
import numpy as np
import pydicom
import pytest
import torch

from tests.bundles.conftest import _write_series

TRAINING = {
    "size": "[32,32]", "crop": "[16,32]", "min_pixels": 24, "val_slices": 2, "slices_per_epoch": 8, "max_epochs": 4,
    "gan_fraction": 0.5, "cache_dir": "slices",
}  # fmt: skip
NETWORKS = {
    "network_def#layers": "[1,1]", "network_def#width": 4, "critic_def#layers": "[1,1,1,1]", "critic_def#width": 8,
}  # fmt: skip


def check_whole(file):
    """A file under its own name is complete."""
    if file.suffix == ".gz":
        assert np.isfinite(nib.load(file).get_fdata()).all()
        assert gzip.decompress(file.read_bytes())
    elif file.suffix == ".json":
        json.loads(file.read_text())
    elif file.suffix == ".html":
        assert file.read_text().rstrip().endswith("</html>")
    elif file.suffix == ".png":
        assert file.read_bytes().endswith(b"IEND\xaeB`\x82")
    elif file.suffix == ".csv":
        assert file.read_text().endswith("\n")
    elif file.suffix == ".npy":
        assert np.isfinite(np.load(file)).all()
    elif file.suffix == ".pt":
        torch.load(file, weights_only=True)
    elif file.suffix == ".dcm":
        assert pydicom.dcmread(file).pixel_array.size


def results(folder):
    """Files under their own names, without the log of TensorBoard, whose names hold the time."""
    files = [file for file in folder.rglob("*") if file.is_file() and "tensorboard" not in file.parts]
    return [file for file in files if not any(".part." in part for part in file.relative_to(folder).parts)]


@pytest.fixture
def killed(warm, tmp_path):
    """Run words in two folders, undisturbed and with kills; gives both when the latter is complete."""

    def run(words, kills, seed, files=()):
        rng, whole, broken = random.Random(seed), tmp_path / "whole", tmp_path / "broken"
        for folder in (whole, broken):
            folder.mkdir()
            for name, source in dict(files).items():
                (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
        began = time.monotonic()
        done = warm.command(*words, folder=whole, seconds=900)
        assert done.code == 0, done.err
        killed, before, longest = 0, set(), time.monotonic() - began
        while killed < kills:
            done = warm.command(*words, folder=broken, seconds=rng.uniform(0.1, longest))
            killed += done.code is None
            for file in results(broken):
                check_whole(file)
            assert done.code in (None, 0), done.err
            if done.code == 0:  # it was quicker than its killer: begin anew
                before = {file.relative_to(broken) for file in results(broken)}
                for path in (broken / "out", broken / "outputs"):
                    shutil.rmtree(path, ignore_errors=True)
        done = warm.command(*words, folder=broken, seconds=900)
        assert done.code == 0, done.err
        names = [{file.relative_to(folder) for file in results(folder)} for folder in (whole, broken)]
        assert names[0] == names[1] >= before
        assert not [file for file in broken.rglob("*") if ".part." in file.name]
        return whole, broken

    return run


def checksum(file):
    state = torch.load(file, weights_only=True)
    return hashlib.sha256(b"".join(state[name].numpy().tobytes() for name in sorted(state))).hexdigest()


@pytest.mark.slow
def test_inference(killed, small, tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(4):
        shutil.copy(small / "scan.nii.gz", tmp_path / "in" / f"scan{number}.nii.gz")
    words = ["reconstruct", "in", "out", "--rate", "0.5", "--save_zero_filled", "--save_error_map"]
    whole, broken = killed(words, 12, 0, {"in": tmp_path / "in"})
    for file in whole.glob("out/*.nii.gz"):
        np.testing.assert_array_equal(nib.load(file).get_fdata(), nib.load(broken / "out" / file.name).get_fdata())


@pytest.mark.slow
def test_training_ends_with_the_same_weights(killed, small):
    """Warm-up and critic: whenever it is killed, it goes on to the weights of an undisturbed training."""
    words = ["train", small / "set" / "mine.json"]
    words += [word for name, value in TRAINING.items() for word in (f"--{name}", value)]
    words += [word for name, value in NETWORKS.items() for word in ("--set", f"{name}={value}")]
    whole, broken = killed(words, 10, 1)
    for name in ("model.pt", "model_supervised.pt"):
        first, second = (checksum(f / "outputs/training/checkpoints" / name) for f in (whole, broken))
        assert first == second
    logs = [(f / "outputs/training/training.csv").read_text() for f in (whole, broken)]
    assert [line.split(",")[:2] for line in logs[0].split()] == [line.split(",")[:2] for line in logs[1].split()]


@pytest.mark.slow
def test_paired_evaluation(killed, small):
    words = [
        "paired",
        "--datalist",
        small / "set" / "mine.json",
        "--rates",
        "0.1",
        "0.5",
        "--size",
        "32",
        "32",
    ]
    words += ["--segmentation", "mixture", "--output_dir", "out", "--figures", "1"]
    whole, broken = killed(words, 10, 2)
    for file in results(whole):
        if file.suffix == ".csv":
            assert file.read_bytes() == (broken / file.relative_to(whole)).read_bytes()


@pytest.mark.slow
def test_dicom_output(killed, tmp_path):
    for number in range(3):
        _write_series(tmp_path / "in" / f"series{number}", slices=20)
    words = ["reconstruct", "in", "out", "--rate", "0.5", "--format", "dicom", "--plane", "sagittal"]
    whole, broken = killed(words, 8, 3, {"in": tmp_path / "in"})
    counts = [sorted(len(list(case.iterdir())) for case in f.glob("out/*") if case.is_dir()) for f in (whole, broken)]
    assert counts[0] == counts[1]
    assert max(counts[0]) == 20
