"""What tests of several folders share."""

import contextlib
import logging
import os
import runpy
import sys
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

OBLIQUE = np.array(  # voxel → RAS with anisotropic spacing, rotated about two axes, stored LPS-like
    [[-0.9, 0.13, 0.2, 40.0], [-0.15, -1.06, 0.35, 55.0], [0.12, -0.17, 1.95, -30.0], [0, 0, 0, 1]]
)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real data sets; the test is skipped where there is none."""
    folder = os.environ.get("MONAI_GAN_RECON_DATA")
    if not folder:
        pytest.skip("needs real data: set MONAI_GAN_RECON_DATA to their folder")
    return Path(folder)


@pytest.fixture(scope="session")
def oblique_affine():
    return OBLIQUE.copy()


@pytest.fixture
def write_nifti(tmp_path):
    def write(name, array, affine=None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
        return path

    return write


@pytest.fixture
def volume():
    """(20, 24, 18), float32, all values different."""
    return np.random.default_rng(0).permutation(20 * 24 * 18).reshape(20, 24, 18).astype(np.float32)


@pytest.fixture
def monai_cli(monkeypatch, capsys):
    """``python -m monai.bundle ARGUMENTS`` in this process (fast): (line of the error or None, what was printed).

    An error that would print a traceback is raised.
    """

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["monai.bundle", *map(str, arguments)])
        monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
        capsys.readouterr()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                runpy.run_module("monai.bundle", run_name="__main__", alter_sys=True)
            except Exception as error:
                if sys.excepthook is sys.__excepthook__:
                    raise
                before = capsys.readouterr()
                sys.excepthook(type(error), error, error.__traceback__)
                line = capsys.readouterr().err
                if "Traceback" in line:
                    raise
                assert line.count("\n") == 1
                return line.strip(), before
        return None, capsys.readouterr()

    loggers = [logging.getLogger(name) for name in (None, "ignite", "monai")]  # MONAI configures them
    before = [(logger, list(logger.handlers), logger.level) for logger in loggers]
    yield run
    for logger, handlers, level in before:
        with contextlib.suppress(ValueError):
            logger.handlers[:], logger.level = handlers, level
