"""Results are written whole or not at all."""

import errno
import os
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.io import save_nifti


def test_saved_volume_reads_back(tmp_path, volume, oblique_affine):
    path = save_nifti(torch.from_numpy(volume)[None], torch.from_numpy(oblique_affine), tmp_path / "new/a_recon.nii.gz")
    image = nib.load(path)
    assert image.get_data_dtype() == np.float32
    np.testing.assert_array_equal(np.asarray(image.dataobj), volume)
    np.testing.assert_allclose(image.affine, oblique_affine, atol=1e-5)
    assert image.header.get_xyzt_units()[0] == "mm"
    assert os.listdir(path.parent) == ["a_recon.nii.gz"]


def test_complex_volume_is_kept(tmp_path, volume):
    path = save_nifti(volume * (1 + 2j), np.eye(4), tmp_path / "c.nii")
    np.testing.assert_allclose(np.asarray(nib.load(path).dataobj), volume * (1 + 2j))


def test_full_disk_leaves_the_old_file_and_no_other(tmp_path, volume, monkeypatch):
    path = save_nifti(volume, np.eye(4), tmp_path / "a.nii.gz")
    before = path.read_bytes()

    def fail(image, name):
        name.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(nib, "save", fail)
    with pytest.raises(OSError, match="cannot be written \\(No space left on device\\); free some space") as info:
        save_nifti(volume + 1, np.eye(4), path)
    assert "\n" not in str(info.value)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.nii.gz"]


@pytest.mark.parametrize("kind", [pytest.param("torch", marks=pytest.mark.slow), "numpy"])
def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path, kind):
    """torch and numpy have errors of their own for it; a limit of the file size brings them about."""
    code = (
        "import resource, signal, sys, numpy as np, torch\n"
        "from monai_gan_recon.atomic import atomic_path\n"
        "from monai_gan_recon.engines.saving import save_state\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try:\n"
        "    if sys.argv[1] == 'torch':\n"
        "        save_state({'a': torch.zeros(100_000)}, sys.argv[2])\n"
        "    else:\n"
        "        with atomic_path(sys.argv[2]) as path, path.open('wb') as file:\n"
        "            np.save(file, np.zeros(100_000))\n"
        "except OSError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", code, kind, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{tmp_path / 'file'}: cannot be written")
    assert done.stdout.rstrip().endswith("free some space")
    assert os.listdir(tmp_path) == []


def test_folder_that_cannot_be_made(tmp_path, volume):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match=r"cannot be written.*check the folder"):
        save_nifti(volume, np.eye(4), tmp_path / "file/a.nii.gz")


def test_interrupted_writing_leaves_nothing(tmp_path):
    def interrupted():
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(tmp_path) == []


def test_other_suffix_is_refused(tmp_path, volume):
    with pytest.raises(ValueError, match=r"must end in \.nii\.gz or \.nii"):
        save_nifti(volume, np.eye(4), tmp_path / "a.png")
