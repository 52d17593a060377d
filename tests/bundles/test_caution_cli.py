"""Inference says where the shipped weights were not trained: in one line, the record and the report."""

import json
import logging
import re

import numpy as np
import pytest

CONFIG = "inference.yaml"
SIMULATED = ["--track", "simulated", "--rate", 0.5]


@pytest.mark.parametrize(
    ("options", "about"),
    [
        (["--rate", 0.25], []),
        (["--rate", 0.1], ["Advice"]),
        (["--rate", 0.7], ["Rate"]),
        (["--rate", 0.05, "--pattern", "radial"], ["Rate"]),
        (["--rate", 0.25, "--pattern", "radial", "--covered#patterns", "['gaussian1d']"], ["Pattern"]),
        ([*SIMULATED, "--snr", 20], []),
        ([*SIMULATED, "--snr", 2], ["SNR"]),
        ([*SIMULATED, "--snr", 100, "--coils", 9], ["Coils"]),
        (["--rate", 0.1, "--covered#patterns", "['gaussian1d']"], []),
        (["--rate", 0.1, "--pattern", "poisson"], []),
        (["--rate", 0.7, "--weights", "copy.pt"], []),
    ],
)
def test_what_was_not_tested_is_told(run_bundle, bundle, write_nifti, tmp_path, caplog, options, about):
    copy = tmp_path / "elsewhere" / "copy.pt"
    copy.parent.mkdir()
    copy.write_bytes((bundle / "models" / "model.pt").read_bytes())
    options = [copy if option == "copy.pt" else option for option in options]
    source = write_nifti(affine=np.eye(4))
    with caplog.at_level(logging.WARNING, "monai_gan_recon"):
        error, _ = run_bundle(CONFIG, "--input", source, "--output_dir", tmp_path / "out", *options)
    assert error is None
    lines = [record.getMessage() for record in caplog.records if "with care" in record.getMessage()]
    record = json.loads((tmp_path / "out" / "scan_recon.json").read_text())
    page = (tmp_path / "out" / "scan_report.html").read_text()
    assert list(record.get("caution", {})) == about
    assert len(lines) == bool(about)
    for name in about:
        text = record["caution"][name]
        assert text in lines[0]
        assert re.search(f"{name}</th><td>{re.escape(text)}</td>", page)
    assert ("careful" in page) == bool(about)


def test_thick_slices_are_no_3d_scan(run_bundle, write_nifti, tmp_path):
    source = write_nifti(affine=np.diag([1, 1, 3, 1.0]))
    error, _ = run_bundle(CONFIG, "--input", source, "--output_dir", tmp_path, "--rate", 0.1)
    assert error is None
    assert "caution" not in json.loads((tmp_path / "scan_recon.json").read_text())


def test_the_table_itself_is_checked(run_bundle, write_nifti, tmp_path):
    source = write_nifti()
    error, _ = run_bundle(CONFIG, "--input", source, "--output_dir", tmp_path, "--covered#rates", "[0.5,0.1]")
    assert "covered#rates" in error
