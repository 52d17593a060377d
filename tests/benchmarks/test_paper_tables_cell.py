"""A cell that is really trained and tested, in this process; through the command line in the slow tests."""

import contextlib
import json
import os
import subprocess
import sys
import time
import warnings

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from benchmarks.paper_tables.__main__ import main
from benchmarks.paper_tables.cell import SLICE_FILE, gflop_per_slice, parameters, run_cell
from benchmarks.paper_tables.configuration import KeepSlicesd, Settings
from benchmarks.paper_tables.grid import ROOT, Cell, Schedule
from benchmarks.paper_tables.results import read_result, write_result
from benchmarks.paper_tables.speed import take_turns
from monai_gan_recon.engines import read_log


@pytest.fixture(scope="module")
def trained(tiny, tmp_path_factory):
    """Result and folder of a cell."""
    folder = tmp_path_factory.mktemp("cell")
    cell = Cell("ours", "32x48", 0.25, "simulated")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = run_cell(cell, Settings(**tiny), Schedule(4, 8), folder, folder / "slices")
    return cell, result, folder


def test_a_cell_is_trained_and_tested(trained, tmp_path):
    cell, result, folder = trained
    assert read_result(tmp_path, cell) is None
    write_result(tmp_path, cell, result)
    text = (tmp_path / f"{cell.name}.json").read_text()
    assert str(folder.parent) not in text
    assert result["budget"]["slice_iterations"] == 32
    assert len(result["validation_psnr"]) == 4
    assert result["track"] == "simulated"
    assert result["size"] == [32, 48]
    assert result["parameters"] > 1000
    assert set(result["people"]) == {"d", "e"}  # nobody of training and validation
    means = [person["psnr"] for person in result["people"].values()]
    assert result["psnr"]["mean"] == pytest.approx(np.mean(means), abs=1e-4)


def test_the_slice_of_the_figures_is_kept(trained):
    images = np.load(trained[2] / SLICE_FILE)
    assert all(images[name].shape == (32, 48) for name in ("reference", "zero_filled", "reconstruction"))
    assert not np.allclose(images["reconstruction"], images["reference"])


def test_kept_slices():
    volume = torch.zeros(1, 12, 300, 200)
    volume[:, 2:9, 100:200, 50:150] = 1  # 10,000 pixels are a tenth of 256x256 and more
    volume[:, 9, 0, 0] = 1
    assert KeepSlicesd()({"image": volume})["image"].shape[1] == 7
    assert KeepSlicesd(step=3)({"image": volume})["image"].shape[1] == 3
    assert KeepSlicesd(only=105)({"image": volume})["image"].equal(volume[:, 6:7])
    assert KeepSlicesd(only=3)({"image": volume})["image"].equal(volume[:, 3:4])
    small = torch.zeros(1, 5, 20, 20)
    small[:, 1:4, 5:9, 5:9] = 1
    assert KeepSlicesd()({"image": small})["image"].shape[1] == 3  # none covers enough: all that are not empty
    with pytest.raises(ValueError, match="slice_step"):
        KeepSlicesd(step=0)


def test_flops_of_a_convolution():
    network = nn.Conv2d(4, 2, 3, padding=1, bias=False)
    assert parameters(network) == 72
    assert gflop_per_slice(network, (64, 128)) == round(2 * 72 * 64 * 128 / 1e9, 4)
    assert gflop_per_slice(nn.Identity(), (64, 128)) is None


def test_turns_are_taken():
    calls = []
    found = take_turns({name: lambda n=name: calls.append(n) for name in "ab"}, 2)
    assert calls == list("ababab")
    assert set(found) == {"a", "b"}


def command(tiny, folder, *options, name="run"):
    """``python -m benchmarks.paper_tables NAME`` on the tiny volumes, as arguments of a process."""
    places = ["--output_dir", folder / "out", "--results_dir", folder / "results"]
    grid = [
        "--systems",
        "zero_filled",
        "ours",
        "dagan",
        "--sizes",
        "32x48",
        "--rates",
        "0.25",
        "--tracks",
        "replica",
    ]
    data = ["--datalist", tiny["datalist"], "--systems_dir", tiny["systems_dir"]] if name == "run" else []
    program = (sys.executable, "-m", "benchmarks.paper_tables", name)
    return {
        "args": [str(part) for part in (*program, *grid, *places, *data, *options)],
        "cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True,
        "env": {**os.environ, "MONAI_GAN_RECON_DATA": ""},
    }  # fmt: skip


def run(*arguments, **options):
    """Run that command; exit code and what it printed."""
    done = subprocess.run(**command(*arguments, **options), timeout=600, check=False)
    return done.returncode, done.stdout


def ours(folder):
    return json.loads((folder / "results" / "ours_32x48_0.25_replica.json").read_text())


@pytest.mark.slow
def test_a_killed_cell_is_reported_and_goes_on_to_the_same_result(tiny, tmp_path):
    """A real run with a cell that fails; the same elsewhere, one cell killed; again, to the same numbers."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    code, printed = run(tiny, whole, "--slice_iterations", "64")
    assert code == 1
    assert "dagan 32x48 25 % replica: failed: no configuration dagan.yaml" in printed
    assert "1 of 3 cells failed" in printed

    process = subprocess.Popen(**command(tiny, killed, "--slice_iterations", "64"))
    deadline = time.monotonic() + 300
    while not any(len(read_log(log)) > 1 for log in killed.glob("out/cells/ours*/training/training.csv")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for worker in psutil.Process(process.pid).children():
        worker.kill()
    printed = process.communicate()[0]
    assert "ours 32x48 25 % replica: failed: killed (SIGKILL" in printed
    assert "2 of 3 cells failed" in printed
    assert run(tiny, killed, name="status")[1].splitlines()[-1] == "1 finished, 2 failed"

    code, printed = run(tiny, killed, "--slice_iterations", "64", "--systems", "zero_filled", "ours")
    assert code == 0, printed
    assert "1 of 2 cells are finished already" in printed
    assert ours(killed)["budget"]["slice_iterations"] == ours(whole)["budget"]["slice_iterations"] == 64
    assert ours(killed)["validation_psnr"] == ours(whole)["validation_psnr"]
    for metric in ("psnr", "ssim", "nmse"):
        assert ours(killed)[metric]["mean"] == pytest.approx(ours(whole)[metric]["mean"], rel=1e-4)


@pytest.mark.slow
def test_a_budget_is_measured_planned_and_kept(tiny, tmp_path):
    systems = ("--systems", "zero_filled", "ours")
    code, printed = run(tiny, tmp_path, "--budget", "3", *systems)
    assert code == 0, printed
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert 0 < sum(plan["seconds"].values()) < 180  # less what measuring took
    assert ours(tmp_path)["budget"]["epochs"] == plan["schedules"]["ours 32x48"]["epochs"]
    assert "2 of 2 cells are finished already" in run(tiny, tmp_path, *systems)[1]


def test_bad_options_are_one_line(tiny, tmp_path, monkeypatch, capsys):
    def line(*options):
        places = ["--output_dir", tmp_path / "out", "--results_dir", tmp_path / "results"]
        data = ["--datalist", tiny["datalist"], "--systems_dir", tiny["systems_dir"]]
        monkeypatch.setattr(sys, "argv", ["paper_tables", "run", *map(str, [*places, *data, *options])])
        with contextlib.suppress(SystemExit):  # argparse's own
            assert main() == 1
        return capsys.readouterr().err.splitlines()[-1]

    assert line() == "how long to train? Give --budget MINUTES or --slice_iterations N"
    assert "do not fill 4 epochs" in line("--slice_iterations", 8)
    assert "a size is HEIGHTxWIDTH" in line("--sizes", "64")
    assert "a rate is a fraction of k-space" in line("--rates", "10")
    assert "a part is I/N" in line("--shard", "2/2")
    assert "--threads: give a whole number of at least 1" in line("--threads", 0)
    assert "choose from" in line("--systems", "mine")
    assert "nowhere" in line("--datalist", "nowhere")
    assert not (tmp_path / "out").exists()
