"""Where the files of a data manifest lie: inside an installed package or under the data set's folder."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from monai_gan_recon.checks import home_expanded

DATA_ENV = "MONAI_GAN_RECON_DATA"
PACKAGE_PREFIX = "package://"
_HASH_SUFFIX = "_sha256"


def file_keys(entry: Mapping[str, Any]) -> dict[str, str | None]:
    """Keys of a manifest entry that name files, with the sha256 the manifest states for each (or ``None``).

    ``image`` (hash in ``sha256``) and ``label`` are files, and so is every key ``x`` beside which
    ``x_sha256`` stands.
    """
    keys: dict[str, str | None] = {"image": entry.get("sha256")}
    for key in entry:
        if key == "label" or f"{key}{_HASH_SUFFIX}" in entry:
            keys[key] = entry.get(f"{key}{_HASH_SUFFIX}")
    return keys


def check_relative(path: Any) -> None:
    """Raise a ValueError unless this is text that names a file within the data set's folder: relative, without ".."."""
    if not isinstance(path, str) or not path or _leaves(path.removeprefix(PACKAGE_PREFIX)):
        raise ValueError(f"file path {path!r} must be relative to the data set's folder, without '..'")


def check_root(root: Any) -> None:
    """Raise a ValueError unless a ``root`` is text that names a folder within the manifest's: relative, no ".."."""
    if not isinstance(root, str) or _leaves(root):
        raise ValueError(
            f"'root' {root!r} must be a folder beside the manifest, without '..'; give --dataset_dir for another"
        )


def _leaves(path: str) -> bool:
    plain = PurePosixPath(path.replace("\\", "/"))
    drive = os.name == "nt" and bool(PureWindowsPath(path).drive)
    no_name = "\0" in path or path.encode(errors="replace").decode() != path
    return no_name or plain.is_absolute() or ".." in plain.parts or drive


def same_file(path: str) -> str:
    """A manifest's path without what changes nothing of it: "./" and "//"."""
    return PurePosixPath(path).as_posix()


def package_path(path: str) -> Path:
    """Absolute path of ``package://<package>/<file>``; the package is located, never imported."""
    package, _, inside = path.removeprefix(PACKAGE_PREFIX).partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{path}: the Python package {package!r} is not installed; pip install {package}")
    return Path(next(iter(spec.submodule_search_locations))) / inside


def resolve(path: str, folder: Path) -> str:
    """Absolute path of one file of a manifest whose data set lies in ``folder``."""
    check_relative(path)
    return str(package_path(path) if path.startswith(PACKAGE_PREFIX) else folder / path)


def find_dataset_folder(
    images: Iterable[str], root: str, manifest_file: Path, dataset_dir: str | os.PathLike[str] | None
) -> Path:
    """Folder that the relative paths ``images`` of a manifest start from.

    With ``dataset_dir``: that folder, or its subfolder ``root``. Without: ``root`` under the folder that the
    environment variable MONAI_GAN_RECON_DATA names, else beside the manifest file. Among several, the first
    that holds an image.
    """
    if dataset_dir is not None:
        given = home_expanded(dataset_dir).absolute()
        candidates = [given, given / root]
    else:
        beside = manifest_file.absolute().parent
        shared = os.environ.get(DATA_ENV)
        candidates = [Path(shared).absolute() / root, Path(shared).absolute()] if shared else []
        candidates += [beside / root, beside]
    inside = [image for image in images if not image.startswith(PACKAGE_PREFIX)]
    for folder in candidates:
        if any((folder / image).exists() for image in inside):
            return Path(os.path.normpath(folder))
    return Path(os.path.normpath(candidates[0]))
