"""What a user may not read is named, and nothing is left out in silence."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from torch import nn

from monai_gan_recon.data.build_manifest import find_images
from monai_gan_recon.data.found import find
from monai_gan_recon.data.manifest_check import manifest_problems
from monai_gan_recon.errors import one_line
from monai_gan_recon.io import load_volume, read_mask
from monai_gan_recon.io.dicom import find_series
from monai_gan_recon.io.images import find_volumes
from monai_gan_recon.networks.weights import load_weights
from tests.bundles.conftest import _write_series

NOBODY = 65534


@contextlib.contextmanager
def user():
    """No rights of root, which may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def folder(small):
    """A copy of the small set that everybody may look into; ``hidden`` in it nobody."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "set"
        shutil.copytree(small / "set", folder)
        (folder / "hidden").mkdir()
        shutil.copy(small / "scan.nii.gz", folder / "hidden")
        Path(name).chmod(0o755)
        folder.chmod(0o755)
        (folder / "hidden").chmod(0)
        yield folder
        (folder / "hidden").chmod(0o755)


def test_a_file_ends_its_own_volume_and_a_folder_is_told(folder, caplog):
    (folder / "0.nii.gz").rename(folder / "IM0")
    for name in ("IM0", "1.nii.gz"):
        (folder / name).chmod(0)
    find(folder)  # and all that it imports
    with user():
        found = find_volumes(folder)
        with pytest.raises(ValueError, match=r"1\.nii\.gz"):
            load_volume(folder / "1.nii.gz")
        listed = {item.path.name: item.possible for item in find(folder)}
    assert {"1.nii.gz", "2.nii.gz"} <= {path.name for path in found}
    assert str(folder / "hidden") in caplog.text
    assert "permission" in listed["1.nii.gz"]
    assert "image" in listed["2.nii.gz"]


def test_a_folder_of_a_series_is_named(folder):
    _write_series(folder / "series", slices=20)
    (folder / "series").chmod(0o755)
    (folder / "hidden").rename(folder / "series" / "more.slices")
    with user(), pytest.raises(ValueError, match=r"more\.slices"):
        find_series(folder / "series")
    (folder / "series" / "more.slices").rename(folder / "hidden")


def test_a_manifest_is_not_built_of_what_can_be_seen(folder):
    with user(), pytest.raises(PermissionError) as refused:
        find_images(folder)
    assert one_line(refused.value).startswith(f"{folder / 'hidden'}: ")


def test_the_check_of_a_manifest_goes_on(folder):
    for name in ("3.nii.gz", "4.nii.gz"):
        (folder / name).chmod(0)
    manifest_problems(folder / "mine.json")
    with user():
        problems = manifest_problems(folder / "mine.json")
    assert [name in problem for name, problem in zip(("3.nii.gz", "4.nii.gz"), problems, strict=True)] == [True] * 2


@pytest.mark.parametrize("read", [lambda file: load_weights(nn.Linear(1, 1), file), read_mask])
def test_files_of_options(folder, small, read):
    file = folder / "mask.npy"
    shutil.copy(small / "mask.npy", file)
    file.chmod(0)
    with user(), pytest.raises((PermissionError, ValueError)) as refused:
        read(file)
    assert "check its permissions" in one_line(refused.value)
