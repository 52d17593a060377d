"""The commands of a job as processes: what they are told, and how each way to end is reported."""

import json
import sys
import threading
import time

import pytest

from monai_gan_recon.node import Command
from monai_gan_recon.node.job import Stopped


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Stands for Python: a shell script that notes its words."""

    def write(script):
        file = tmp_path / "program"
        file.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/words\n{script}\n')
        file.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(file))
        return lambda: (tmp_path / "words").read_text().splitlines()

    return write


@pytest.fixture
def folders(tmp_path):
    (tmp_path / "results").mkdir()
    return tmp_path / "series", tmp_path / "results"


def said(value):
    return f"echo '{json.dumps(value)}'"


def test_a_series_is_reconstructed_and_what_comes_of_it_segmented(program, folders):
    series, results = folders
    words = program(said({"exit_code": 0}))
    assert Command("mine", {"rate": "0.25", "network_def#width": "8"})(series, results) == []
    (line,) = words()
    assert f"reconstruct {series} {results}/reconstruction --bundle mine" in line
    assert "--set=rate=0.25 --set=network_def#width=8" in line
    for name in ("a_recon", "a_zero_filled", "b_recon"):
        (results / "reconstruction" / name).mkdir(parents=True)
    assert Command("mine", segment=True)(series, results) == []
    assert [line.split("segment ")[1].split()[0] for line in words()[2:]] == [
        str(results / "reconstruction" / name) for name in ("a_recon", "b_recon")
    ]


def test_what_to_be_careful_about_is_passed_on(program, folders):
    program(said({"exit_code": 0}))
    (folders[1] / "reconstruction").mkdir()
    for name, record in (("a", {"caution": {"SNR": "3, tested were 5 and above"}}), ("b", {})):
        (folders[1] / "reconstruction" / f"{name}_recon.json").write_text(json.dumps(record))
    (line,) = Command("mine")(*folders)
    assert "snr: 3, tested" in line


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (said({"error": "no such slice"}) + "; exit 1", "no such slice"),
        (said({"failed": ["one", "two"]}) + "; exit 1", "one; two"),
        ("echo Traceback; exit 1", "code 1"),
        ("kill -9 $$", "-9"),
    ],
)
def test_how_it_failed_is_told(program, folders, script, reason):
    program(script)
    with pytest.raises(ValueError, match=reason):
        Command("mine")(*folders)
    script = script.replace("; exit 1", '; case "$*" in *" reconstruct "*) exit 0;; esac; exit 1')
    program(script)
    (folders[1] / "reconstruction" / "a_recon").mkdir(parents=True)
    if "kill" not in script:  # the reconstruction is there, the segmentation is not
        (remark,) = Command("mine", segment=True)(*folders)
        assert reason in remark


def test_what_takes_too_long_or_is_stopped_ends_with_all_its_processes(program, folders):
    words = program("sleep 600 & echo $! >&2; wait")
    command = Command("mine")
    command.minutes = 0.005
    with pytest.raises(ValueError, match="--job-minutes"):
        command(*folders)
    command = Command("mine")
    threading.Timer(0.3, command.stop).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        command(*folders)
    with pytest.raises(Stopped):
        command(*folders)
    assert time.monotonic() - began < 10
    assert len(words()) == 2
