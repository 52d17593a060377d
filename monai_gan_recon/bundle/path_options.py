"""Checks of a configuration's files and folders before anything is written, each with one clear line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from monai_gan_recon.bundle.failing import fail, fail_clearly
from monai_gan_recon.data import load_manifest


def validate_input(path: Any, name: str = "input") -> str:
    """End with one line unless this is a file, or a folder with something in it.

    Args:
        path: given by the user.
        name: of the option.

    Returns:
        The path.
    """
    if path is None:
        fail(f"--{name} is missing: give a NIfTI volume, a DICOM folder or a folder of volumes")
    there = _path(path, name)
    if not there.exists():
        fail(f"--{name}: {path} does not exist")
    if there.is_dir() and not any(there.iterdir()):
        fail(f"--{name}: the folder {path} is empty")
    return str(path)


def validate_file(path: Any, name: str) -> str:
    """End with one line unless this is a file that is not empty.

    Args:
        path: given by the user.
        name: of the option.

    Returns:
        The path.
    """
    there = _path(path, name)
    if not there.is_file():
        fail(f"--{name}: {'is a folder, not a file' if there.is_dir() else 'there is no file'}: {path}")
    if there.stat().st_size == 0:
        fail(f"--{name}: the file {path} is empty")
    return str(path)


def validate_output_dir(path: Any, name: str = "output_dir") -> str:
    """End with one line unless results can be written to this folder; it is not made yet.

    Args:
        path: given by the user.
        name: of the option.

    Returns:
        The path.
    """
    folder = _path(path, name).absolute()
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        fail(f"--{name}: {path} cannot be a folder, since {folder} is a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        fail(f"--{name}: no permission to write to {folder}")
    return str(path)


def validate_datalist(
    datalist: Any, dataset_dir: Any = None, section: str = "testing"
) -> list[dict[str, Any]]:
    """Entries of one split of a data manifest; end with one line if there are none or a file is missing.

    Args:
        datalist: name of a manifest that comes with the package, or a JSON file.
        dataset_dir: folder of the data, or None for the manifest's own.
        section: "training", "validation" or "testing".

    Returns:
        One dictionary an image, with absolute paths.
    """
    _path(datalist, "datalist")
    if dataset_dir is not None and not _path(dataset_dir, "dataset_dir").is_dir():
        fail(f"--dataset_dir: there is no folder {dataset_dir}")
    return fail_clearly(lambda: load_manifest(datalist, dataset_dir, section=section))


def _path(value: Any, name: str) -> Path:
    """Path of an option; the command line turns "007" into a number and a bare option into True."""
    if not isinstance(value, (str, os.PathLike)) or not str(value).strip():
        fail(f"--{name}: {value!r} is not a path; for a name that looks like a number or list, write ./NAME")
    return Path(value).expanduser()
