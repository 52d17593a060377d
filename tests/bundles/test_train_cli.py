"""Training through the real command line, from another folder, on the embedded set."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from monai_gan_recon.engines import read_log

CONFIGS = Path(__file__).parents[2] / "bundles" / "brain_mri_gan_reconstruction" / "configs"
TINY = {
    "slices_per_epoch": "16",
    "batch_size": "4",
    "val_slices": "2",
    "network_def#layers": "[1,1]",
    "network_def#width": "4",
    "critic_def#layers": "[1,1,1,1]",
    "critic_def#width": "16",
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Preprocessed slices, made by the first training and read by the others."""
    return tmp_path_factory.mktemp("slices")


def command(configs, cache, run_id="training", **options):
    files = str([str(CONFIGS / name) for name in configs])
    options = {"cache_dir": str(cache), **TINY, **options}
    return [
        sys.executable,
        "-m",
        "monai.bundle",
        "run",
        *([run_id] if run_id else []),
        "--config_file",
        files,
    ] + [part for name, value in options.items() if value is not None for part in (f"--{name}", str(value))]


def train(folder, configs, cache, **options):
    return subprocess.run(
        command(configs, cache, **options),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def losses(folder):
    return [row["loss"] for row in read_log(folder / "outputs" / "training" / "training.csv")]


@pytest.mark.slow
def test_killed_training_resumes_to_the_same_curve(tmp_path, cache):
    """kill -9 in the middle of the training; the resumed one repeats the curve of an uninterrupted one."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    done = train(whole, ["train.yaml"], cache, max_epochs=4, gan_fraction=0.5)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "epoch 4/4: validation PSNR" in done.stdout

    log = killed / "outputs" / "training" / "training.csv"
    process = subprocess.Popen(
        command(["train.yaml"], cache, max_epochs=4, gan_fraction=0.5),
        cwd=killed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while len(read_log(log)) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(losses(killed)) < 4

    resumed = train(killed, ["train.yaml"], cache, run_id=None, max_epochs=4, gan_fraction=0.5)  # plain `run`
    assert resumed.returncode == 0, resumed.stderr[-2000:]
    assert losses(killed) == losses(whole)
    assert all(math.isfinite(float(loss)) for loss in losses(whole))
    penalties = [float(row["gradient_penalty"]) for row in read_log(log)[2:]]
    assert max(penalties) < 1e4  # no crop of 128 rows is empty, at which the critic's gradient would have no bound
    models = [torch.load(f / "outputs/training/checkpoints/model.pt", weights_only=True) for f in (whole, killed)]
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])
    assert (killed / "outputs/training/checkpoints/model_supervised.pt").exists()
    assert list((killed / "outputs/training/tensorboard").glob("events*"))
    shares = [row["adversarial_share"] for row in read_log(log)]
    assert shares[:2] == ["", ""]
    assert all(float(share) >= 0.05 for share in shares[2:])


def test_the_papers_form_trains(tmp_path, cache):
    done = train(
        tmp_path,
        ["train.yaml", "systems/gan_resnet50.yaml", "paper_cell.yaml"],
        cache,
        max_epochs=2,
        slices_per_epoch=8,
        ckpt_dir=tmp_path / "ckpt",
        **{
            f"network_def#{inner}{name}": TINY[f"network_def#{name}"] if inner else None
            for inner in ("", "network#")
            for name in ("layers", "width")
        },
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "ckpt" / "model.pt").exists()
    row = read_log(tmp_path / "outputs" / "gan_resnet50" / "training.csv")[1]
    assert float(row["frequency"]) > 0
    assert float(row["adversarial_weight"]) == 1.0
    assert "gradient_penalty" not in row


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_same_configuration_trains_on_a_gpu(tmp_path, cache):
    done = train(tmp_path, ["train.yaml"], cache, max_epochs=2, gan_fraction=0.5, device="cuda:0")
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(losses(tmp_path)) == 2


@pytest.mark.slow
def test_training_beats_zero_filling(tmp_path, cache):
    """The shipped network, a few iterations: validation PSNR at least 1 dB above the zero-filled image's."""
    options = dict.fromkeys(TINY) | {"slices_per_epoch": 64, "val_slices": 4}
    done = train(tmp_path, ["train.yaml"], cache, max_epochs=3, gan_fraction=0.0, **options)
    assert done.returncode == 0, done.stderr[-2000:]
    row = read_log(tmp_path / "outputs" / "training" / "training.csv")[-1]
    assert float(row["val_psnr"]) >= float(row["zero_filled_psnr"]) + 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_epoch": 3}, "max_epoch"),
        ({"lines": "{'gaussian1d': 0.5}"}, "add up"),
        ({"datalist": "no_such_set"}, "no_such_set"),
        ({"val_scans": "[{'rate': 2}]"}, "val_scans"),
    ],
)
def test_wrong_options_end_with_one_line(tmp_path, cache, options, message):
    done = train(tmp_path, ["train.yaml"], cache, **options)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert message in done.stderr.strip().splitlines()[-1]
    assert not list(tmp_path.rglob("*.pt"))


@pytest.mark.slow
def test_several_processes_train_together(tmp_path, cache):
    """Two CPU processes under torchrun share the slices, average their gradients, and write one set of files."""
    arguments = command(["train.yaml", "multi_gpu_train.yaml"], cache, max_epochs=2, gan_fraction=0.5, device=None)[1:]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [sys.executable, *launcher, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert [row["iteration"] for row in read_log(tmp_path / "outputs/training/training.csv")] == ["2", "4"]
    assert (tmp_path / "outputs/training/checkpoints/model.pt").exists()
    events = list((tmp_path / "outputs/training/tensorboard").glob("events*"))
    assert len(events) == 2  # of training and of validation, by the first process


@pytest.mark.slow
def test_several_processes_need_torchrun(tmp_path, cache):
    done = train(tmp_path, ["train.yaml", "multi_gpu_train.yaml"], cache)
    assert done.returncode != 0
    assert "torchrun" in done.stderr
