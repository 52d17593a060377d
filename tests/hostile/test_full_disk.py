"""No more room at any byte: one line with the result's name, and nothing of it is left."""

import contextlib
import resource

import numpy as np
import pytest
import torch

from monai_gan_recon import cli
from monai_gan_recon.data.build_manifest import write_manifest
from monai_gan_recon.engines.saving import save_state
from monai_gan_recon.errors import one_line
from monai_gan_recon.io import RawScan, save_nifti, write_ismrmrd
from monai_gan_recon.report.volumes import report_files
from monai_gan_recon.resources import RECONSTRUCTION

VALUES = np.random.default_rng(0).normal(size=(2, 3, 32, 24))
WRITERS = {
    "a.h5": lambda file: write_ismrmrd(RawScan((VALUES + 1j).astype(np.complex64)), file),
    "a.nii.gz": lambda file: save_nifti(VALUES[0], np.eye(4), file),
    "a.pt": lambda file: save_state({"a": torch.ones(2000)}, file),
    "a.json": lambda file: write_manifest({"name": "a" * 9000}, file),
}


@contextlib.contextmanager
def room(size):
    """No file grows beyond ``size`` bytes; the system's error is that of a full disk, but for its number."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", WRITERS)
def test_any_room_too_small(tmp_path, name):
    WRITERS[name](tmp_path / name)
    whole = (tmp_path / name).stat().st_size
    (tmp_path / name).unlink()
    for size in np.linspace(0, whole - 1, 12, dtype=int):
        with room(size), pytest.raises(OSError, match="cannot be written") as told:
            WRITERS[name](tmp_path / "out" / name)
        assert one_line(told.value).startswith(f"{tmp_path / 'out' / name}: ")
        assert list(tmp_path.iterdir()) == []


def test_a_page(tmp_path, small):
    with room(20_000), pytest.raises(OSError, match="scan_report"):
        report_files(small / "scan.nii.gz", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_copy_of_a_bundle(tmp_path, capsys):
    with room(5_000):
        assert cli.main(["bundles", "export", RECONSTRUCTION, str(tmp_path / "new" / "copy")]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{tmp_path / 'new' / 'copy'}: ")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
