"""Small scans for the commands, and the command itself in this process."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from monai_gan_recon import cli


@pytest.fixture(autouse=True)
def processes_run_this_tree(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


@pytest.fixture
def head():
    """(32, 32, 24) shaded ellipsoids, float32."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in (32, 32, 24)), indexing="ij")
    inner = x**2 + (y - 0.2) ** 2 + z**2 < 0.3
    return ((200.0 * (x**2 + y**2 + z**2 < 0.8) + 150 * inner) * (1 + 0.1 * x)).astype(np.float32)


@pytest.fixture
def scan(head, tmp_path, monkeypatch):
    """A NIfTI file of it, in the current folder."""
    monkeypatch.chdir(tmp_path)
    nib.save(nib.Nifti1Image(head, np.diag([2.0, 3.0, 4.0, 1.0])), tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


@pytest.fixture
def command(capsys):
    """Exit code, JSON of stdout and stderr of a subcommand."""

    def run(*words):
        capsys.readouterr()
        code = cli.main([*map(str, words), "--json"])
        printed = capsys.readouterr()
        return code, json.loads(printed.out), printed.err

    return run
