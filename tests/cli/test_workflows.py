"""Subcommands that run the bundles, on small scans."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_gan_recon import cli
from monai_gan_recon.engines import read_log
from monai_gan_recon.errors import INTERRUPTED

SMALL = (
    "--size",
    "[32,32]",
    "--crop",
    "[16,32]",
    "--min_pixels",
    24,
    "--val_slices",
    2,
    "--slices-per-epoch",
    4,
)


def test_reconstruct_writes_and_reports(scan, head, command):
    code, done, _ = command("reconstruct", scan, "out", "--rate", 0.5, "--plane", "axial", "--save-zero-filled")
    assert code == done["exit_code"] == 0
    assert done["failed"] == []
    recon, zero_filled = (nib.load(file) for file in done["cases"]["scan"][:2])
    written = [Path(file).name for file in done["files"]]
    assert written[2:] == ["scan_recon.json", "scan_report.html", "scan_preview.png"]
    assert recon.get_filename() == str(scan.parent / "out" / "scan_recon.nii.gz")
    np.testing.assert_allclose(recon.affine, nib.load(scan).affine)
    error, before = (np.square(image.get_fdata() - head).mean() for image in (recon, zero_filled))
    assert error < before / 4


def test_a_volume_without_its_report_is_not_done(scan, command):
    page = scan.parent / "out" / "scan_report.html"
    page.mkdir(parents=True)
    words = ("reconstruct", scan, "out", "--rate", 0.5)
    code, done, _ = command(*words)
    assert (code, done["exit_code"]) == (1, 1)
    assert str(page) in done["error"]
    page.rmdir()
    assert command(*words)[0] == 0
    assert page.is_file()


def test_an_existing_result_stays_unless_told(scan, command):
    assert command("reconstruct", scan, "out", "--rate", 0.5)[0] == 0
    written = scan.parent.joinpath("out", "scan_recon.nii.gz")
    assert json.loads(written.with_name("scan_recon.json").read_text())["protocol"]["Plane"] == "coronal"
    before = written.stat().st_mtime_ns
    code, done, err = command("reconstruct", scan, "out", "--rate", 0.5)
    assert code == done["exit_code"] == 0
    assert (done["files"], done["finished_before"]) == ([], 1)
    assert "scan_recon.nii.gz" in err
    assert written.stat().st_mtime_ns == before
    assert command("reconstruct", scan, "out", "--rate", 0.5, "--overwrite")[0] == 0
    assert written.stat().st_mtime_ns > before


def test_a_system_is_merged_after_the_configuration(scan, command):
    system = Path(__file__).parents[2] / "benchmarks" / "systems" / "configs" / "zero_filled.yaml"
    code, done, _ = command("reconstruct", scan, "out", "--rate", 0.5, "--config", system)
    assert code == 0
    _, filled, _ = command("reconstruct", scan, "filled", "--rate", 0.5, "--save-zero-filled")
    recon, zero_filled = (nib.load(files["cases"]["scan"][i]) for files, i in ((done, 0), (filled, 1)))
    np.testing.assert_allclose(recon.get_fdata(), zero_filled.get_fdata(), atol=1e-2)


def test_of_a_folder_what_can_be_done_is_done(scan, command):
    (scan.parent / "broken.nii.gz").write_bytes(b"no NIfTI")
    code, done, err = command("reconstruct", scan.parent, scan.parent.with_name("results"), "--rate", 0.5)
    assert code == done["exit_code"] == 1
    assert list(done["cases"]) == ["scan"]
    assert "broken.nii.gz" in done["failed"][0]
    assert "broken.nii.gz" in err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["out", "--rate", "7"], "rate"),
        (["out", "--rate", "fast"], "rate"),
        (["out", "--snr", "20"], "--snr"),  # on the replica track, and even the default
        (["out", "--set", "rat=0.5"], "rat"),
        (["out", "--plane", "$print(1)"], "plane"),
        (["scan_recon.nii.gz"], "scan_recon.nii.gz"),
    ],
)
def test_wrong_values_are_one_line(scan, capsys, words, named):
    assert cli.main(["reconstruct", str(scan), *words]) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert named in printed.err


def test_a_process_is_quiet(scan):
    words = [sys.executable, "-m", "monai_gan_recon", "reconstruct", scan, "out", "--rate", "0.5"]
    done = subprocess.run([*words, "--json"], capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout)["command"] == "reconstruct"
    assert "arning" not in done.stderr
    assert done.stderr.count("\n") <= 2
    assert cli.main(["reconstruct", str(scan), "out", "--overwrite"]) == 0


@pytest.fixture
def manifest(scan, head, command):
    """A BIDS folder of five subjects, as a manifest."""
    scan.unlink()
    for number in range(5):
        file = scan.parent / "bids" / f"sub-{number}" / "anat" / f"sub-{number}_T1w.nii.gz"
        file.parent.mkdir(parents=True)
        nib.save(nib.Nifti1Image(np.roll(head, number, 0) + number, np.diag([2.0, 3.0, 4.0, 1.0])), file)
    code, done, _ = command("manifest", "build", "bids", "--output", "mine.json", "--fractions", "0.4,0.2,0.4")
    assert code == 0
    assert (done["training"], done["validation"], done["testing"]) == (2, 1, 2)
    return scan.parent / "mine.json"


def test_finetune_from_the_shipped_weights(manifest, command):
    code, done, err = command("finetune", manifest, "--max_epochs", 2, "--rate", 0.5, *SMALL)
    assert code == 0, err
    model, table = done["files"]
    assert err.index("GB of slices") < err.index("before the first step") < err.index("epoch 1/2")
    assert len(done["subjects"]) == 2
    for subject in done["subjects"]:
        assert subject["before_psnr"] > subject["zero_filled_psnr"]
    lines = Path(table).read_text().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("subject,zero_filled_psnr,before_psnr,after_psnr")
    assert command("reconstruct", "bids/sub-0/anat/sub-0_T1w.nii.gz", "out", "--weights", model)[0] == 0
    code, done, err = command("evaluate", manifest, "--weights", model, "--size", "[32,32]", "--no-figures")
    assert code == 0, err
    assert {Path(file).name.split("_")[0] for file in done["files"]} == {"metrics.json", "people", "slices"}
    assert all(Path(file).is_file() for file in done["files"])


def test_what_makes_it_worse_is_not_kept_and_stops_early(manifest, command):
    """With an absurd learning rate, alone and against the critic: the weights stay the shipped ones, the training ends.

    Started again, it ends at once.
    """
    words = ("--max_epochs", 9, "--patience", 2, "--learning_rate", 10.0, "--warmup_steps", 1)
    words += ("--gan_fraction", 0.9, *SMALL)
    code, done, err = command("finetune", manifest, *words)
    assert code == 0, err
    assert "epoch 2/9" in err
    assert "epoch 3/9" not in err
    model = torch.load(done["files"][0], weights_only=True)
    shipped = torch.load(cli.bundles.bundle_path("brain_mri_gan_reconstruction") / "models/model.pt", weights_only=True)
    assert all(torch.equal(model[name], shipped[name]) for name in shipped)
    for subject in done["subjects"]:
        assert subject["before_psnr"] == subject["after_psnr"]
    rows = read_log("outputs/finetuned/training.csv")
    assert [bool(row["discriminator_loss"]) for row in rows] == [False, True]
    code, again, err = command("finetune", manifest, *words)
    assert code == 0, err
    assert "epoch 3/9: batch" not in err
    assert again["subjects"] == done["subjects"]
    assert read_log("outputs/finetuned/training.csv") == rows


def test_training_that_diverges_says_so_and_leaves_no_model(manifest, capsys):
    words = ("--max_epochs", 2, "--gan_fraction", 1, "--learning_rate", 1000.0, "--warmup_steps", 1)
    words += ("--val_interval", 2, *SMALL)
    assert cli.main(["train", *map(str, [manifest, *words])]) == 1
    assert "diverged" in capsys.readouterr().err.splitlines()[-1]
    assert not list(Path("outputs").rglob("model*.pt"))


def test_another_training_in_the_same_folder_is_refused(manifest, command, capsys):
    """Other data, another start, other options: one line before anything is scored; nothing is changed."""
    words = ("--max_epochs", 1, *SMALL)
    code, done, err = command("finetune", manifest, *words)
    assert code == 0, err
    before = {file: file.read_bytes() for file in Path("outputs").rglob("*") if file.is_file()}
    content = json.loads(manifest.read_text())
    content["testing"] = []
    other = manifest.with_name("other.json")
    other.write_text(json.dumps(content))
    model = Path("start.pt")
    model.write_bytes(Path(done["files"][0]).read_bytes())
    start = torch.load(model, weights_only=True)
    torch.save({name: value + 0.001 for name, value in start.items()}, model)
    for changed, named in (
        ([other], "other data)"),
        ([manifest, "--from", model], "other starting weights)"),
        ([manifest, "--learning_rate", 0.0001], "other learning_rate)"),
    ):
        assert cli.main(["finetune", *map(str, [*changed, *words])]) == 1
        line = capsys.readouterr().err.splitlines()[-1]
        assert "checkpoint.pt" in line
        assert named in line
        assert "--output_dir" in line
        assert before == {file: file.read_bytes() for file in before}
    assert cli.main(["finetune", *map(str, [other, *words, "--output_dir", "elsewhere"])]) == 0
    assert "not held out" in capsys.readouterr().out


def test_interrupted_training_goes_on(manifest, command):
    words = ["train", str(manifest), *map(str, SMALL), "--gan_fraction", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "monai_gan_recon", *words, "--max_epochs", "500"],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # jobs in the background ignore it
    )
    checkpoint = manifest.parent / "outputs/training/checkpoints/checkpoint.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (INTERRUPTED, -signal.SIGINT)  # a shell calls both 130
    assert err.splitlines()[-1].startswith("interrupted")
    assert "Traceback" not in err
    done = torch.load(checkpoint, weights_only=True)["epoch"]
    code, _, err = command(*words, "--max_epochs", done + 1)
    assert code == 0, err
    assert torch.load(checkpoint, weights_only=True)["epoch"] == done + 1
