"""``run training`` of the tissue segmentation bundle on two phantoms: it runs, resumes, and refuses what is wrong."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from brain_phantom import save, tissues, write_manifest

from monai_gan_recon.engines import read_log

BUNDLE = Path(__file__).resolve().parents[3] / "bundles" / "brain_mri_tissue_segmentation"
TINY = {
    "network_def#network#features": "[8,8,8,8,8,8]",
    "patch_size": "[16,16,16]",
    "patch_margin": 4,
    "val_patch_size": "[32,32,32]",
    "patches_per_epoch": 4,
    "val_patches": 2,
    "degraded_copies": 1,
    "slice_size": "[48,48]",
    "max_epochs": 3,
}


@pytest.fixture(scope="module")
def bundle():
    """The real bundle, whose network trains."""
    return BUNDLE


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_manifest(tmp_path_factory.mktemp("phantoms"))


def options(manifest, output_dir, **changes):
    named = TINY | {"datalist": manifest, "output_dir": output_dir} | changes
    return [str(part) for name, value in named.items() for part in (f"--{name}", value)]


def losses(folder):
    return [row["loss"] for row in read_log(folder / "training.csv")]


def test_killed_training_resumes_to_the_same_curve(run_bundle, manifest, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    error, printed = run_bundle("train.yaml", *options(manifest, whole), run_id="training")
    assert error is None
    assert "epoch 3/3: validation Dice" in printed.out
    assert {"val_dice", "val_dice_csf", "learning_rate"} <= set(read_log(whole / "training.csv")[1])
    assert list((whole / "tensorboard").glob("events*"))
    assert len(list((whole / "volumes").glob("*.npy"))) == 2 * 3  # image, degraded copy and labels of two people

    config = str(BUNDLE / "configs" / "train.yaml")
    command = [sys.executable, "-m", "monai.bundle", "run", "training", "--config_file", config]
    slow = options(manifest, killed, cache_dir=whole / "volumes")
    process = subprocess.Popen([*command, *slow], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (killed / "checkpoints" / "checkpoint.pt").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(losses(killed)) < 3

    error, _ = run_bundle("train.yaml", *options(manifest, killed, cache_dir=whole / "volumes"))  # plain `run`
    assert error is None
    assert losses(killed) == losses(whole)
    models = [torch.load(f / "checkpoints" / "model.pt", weights_only=True) for f in (whole, killed)]
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])


def test_a_3d_network_trains_and_segments(run_bundle, manifest, tmp_path):
    configs = [str([str(BUNDLE / "configs" / name) for name in (config, "train_3d.yaml")]) for config in
               ("train.yaml", "inference.yaml")]  # fmt: skip
    network = {"network_def#features": "[8,8,8,8,8,8]"}
    tiny = {name: value for name, value in TINY.items() if name != "network_def#network#features"}
    named = tiny | network | {"max_epochs": 1, "datalist": manifest, "output_dir": tmp_path / "out"}
    named["config_file"] = configs[0]
    error, _ = run_bundle("train.yaml", *(part for name, value in named.items() for part in (f"--{name}", value)))
    assert error is None
    weights = tmp_path / "out" / "checkpoints" / "model.pt"
    named = network | {"input": manifest.parent / "testing.nii.gz", "output_dir": tmp_path / "labels"}
    named["brain_extraction"] = "false"  # the phantom is smaller than a brain
    named |= {"weights": weights, "config_file": configs[1]}
    error, _ = run_bundle("inference.yaml", *(part for name, value in named.items() for part in (f"--{name}", value)))
    assert error is None
    assert (tmp_path / "labels" / "testing_tissues.nii.gz").exists()


def test_degraded_copies_need_not_be_undersampled(run_bundle, manifest, tmp_path):
    error, _ = run_bundle("train.yaml", *options(manifest, tmp_path / "out", max_epochs=1, undersampled=0))
    assert error is None


def test_several_processes_train_together(manifest, tmp_path):
    """Two CPU processes under torchrun share the patches and write one set of files."""
    configs = str([str(BUNDLE / "configs" / name) for name in ("train.yaml", "multi_gpu_train.yaml")])
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command = [sys.executable, *launcher, "-m", "monai.bundle", "run", "training", "--config_file", configs]
    chosen = options(manifest, tmp_path / "out", max_epochs=2, degraded_copies=0)
    done = subprocess.run([*command, *chosen], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert [row["iteration"] for row in read_log(tmp_path / "out" / "training.csv")] == ["1", "2"]
    assert (tmp_path / "out" / "checkpoints" / "model.pt").exists()
    assert len(list((tmp_path / "out" / "tensorboard").glob("events*"))) == 2  # training's and validation's


def test_without_validation_list_training_people_validate(run_bundle, tmp_path):
    manifest = write_manifest(tmp_path, validation=[])
    error, _ = run_bundle("train.yaml", *options(manifest, tmp_path / "out", max_epochs=1, degraded_copies=0))
    assert error is None
    assert len(list((tmp_path / "out" / "volumes").glob("*.npy"))) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_epoch": 3}, ["--max_epoch", "max_epochs"]),
        ({"patch_size": "[16,16,20]"}, ["patch_size", "16"]),
        ({"degraded_fraction": 2}, ["degraded_fraction"]),
        ({"degraded_copies": -1}, ["degraded_copies"]),
        ({"reconstructed": -0.1}, ["reconstructed"]),
        ({"slice_axes": "[3]"}, ["slice_axes"]),
        ({"slice_size": "[48,8]"}, ["slice_size", "16"]),
        ({"reconstruction_bundle": "/nowhere"}, ["/nowhere"]),
        ({"batch_size": 8}, ["patches_per_epoch", "batch_size"]),
        ({"rates": "[0.5,0.1]"}, ["rates"]),
        ({"patterns": "[spiral]"}, ["spiral"]),
        ({"max_epochs": 0}, ["max_epochs"]),
        ({"bias_field": "perhaps"}, ["--bias_field"]),
        ({"datalist": "ds002748"}, ["ds002748"]),
    ],
)
def test_wrong_options_end_with_one_line(run_bundle, manifest, tmp_path, changes, words):
    error, _ = run_bundle("train.yaml", *options(manifest, tmp_path / "out", **changes))
    assert isinstance(error, str)
    assert "\n" not in error
    assert all(word in error for word in words), error
    assert not (tmp_path / "out").exists()


def test_labels_that_do_not_fit_end_the_training(run_bundle, tmp_path):
    manifest = write_manifest(tmp_path)
    save(tmp_path / "training_labels.nii.gz", tissues()[:, :-1])
    line, _ = run_bundle("train.yaml", *options(manifest, tmp_path / "out"))
    assert "training_labels.nii.gz" in line
    assert "40 x 43 x 36" in line
    assert not list(tmp_path.rglob("*.pt"))
    save(tmp_path / "training_labels.nii.gz", np.zeros_like(tissues()))
    line, _ = run_bundle("train.yaml", *options(manifest, tmp_path / "out"))
    assert "tissue" in line
