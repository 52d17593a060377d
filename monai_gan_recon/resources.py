"""Bundles and data manifests by name, wherever the package runs: installed, editable or in its source tree.

The source tree has them at its top, in ``bundles/`` and ``data_manifests/``; a wheel has them inside the package.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from monai_gan_recon.checks import home_expanded

RECONSTRUCTION = "brain_mri_gan_reconstruction"
SEGMENTATION = "brain_mri_tissue_segmentation"
_OPTIONS = re.compile(r"^# -+ options\n(.*?)(?=^# -+ |\Z)", re.DOTALL | re.MULTILINE)
_ITEM = re.compile(r"""^(\w+):[ ]*("[^"]*"|[^#\n]*?)[ ]*(?:\#[ ](.*))?$""", re.MULTILINE)


def bundle_path(name_or_folder: str | os.PathLike[str]) -> Path:
    """Absolute path of a shipped bundle, or of a folder that holds one: ``configs/metadata.json``.

    Raises:
        FileNotFoundError: if there is neither such a bundle nor such a folder.

    Example:
        >>> (bundle_path("brain_mri_tissue_segmentation") / "models" / "model.pt").is_file()
        True
    """
    for folder in (_folder("bundles") / name_or_folder, home_expanded(name_or_folder)):
        if (folder / "configs" / "metadata.json").is_file():
            return folder.absolute()
    raise FileNotFoundError(
        f"{name_or_folder}: no such bundle; give a folder with configs/metadata.json, or one of: "
        + ", ".join(available_bundles())
    )


def manifest_path(name_or_file: str | os.PathLike[str]) -> Path:
    """JSON file of a shipped data manifest, such as "embedded", or the file that is given.

    Raises:
        FileNotFoundError: if there is neither such a file nor such a name.
        ValueError: if it is no name, or a folder.
    """
    if not isinstance(name_or_file, (str, os.PathLike)) or not str(name_or_file).strip():  # "007" comes as a number
        raise ValueError(f"{name_or_file!r} is not the name of a data manifest or its file")
    given, shipped = home_expanded(name_or_file), _folder("data_manifests") / f"{name_or_file}.json"
    for file in (given, shipped):
        if file.is_file():
            return file
    if given.is_dir():
        raise ValueError(
            f"{name_or_file}: is a folder, and a data manifest is a JSON file; make one of it: "
            f"monai-gan-recon manifest build {name_or_file} --output mine.json"
        )
    raise FileNotFoundError(
        f"{name_or_file}: no such data manifest; give a JSON file or one of: " + ", ".join(available_manifests())
    )


@dataclass(frozen=True)
class ConfigOption:
    """An option of a configuration: name, default as it is written, and what it is."""

    name: str
    default: str
    text: str


def config_options(files: Iterable[str | os.PathLike[str]]) -> Iterator[ConfigOption]:
    """Options of configurations that are merged; a later file changes defaults, and adds options.

    The files are read as text, so that ``--help`` needs neither YAML nor MONAI: the items between ``# --- options`` and
    the next such heading, each with its default and a comment that says what it is.
    """
    found: dict[str, ConfigOption] = {}
    for file in files:
        section = _OPTIONS.search(Path(file).read_text(encoding="utf-8"))
        for name, default, text in _ITEM.findall(section[1] if section else ""):
            known = found.get(name)
            found[name] = ConfigOption(name, default, text or (known.text if known else ""))
    return iter(found.values())


def available_bundles() -> list[str]:
    """Names of the bundles that the package ships."""
    return sorted(file.parents[1].name for file in _folder("bundles").glob("*/configs/metadata.json"))


def available_manifests() -> list[str]:
    """Names of the data manifests that the package ships."""
    return sorted(file.stem for file in _folder("data_manifests").glob("*.json"))


def _folder(name: str) -> Path:
    package = Path(__file__).resolve().parent
    return package / name if (package / name).is_dir() else package.parent / name
