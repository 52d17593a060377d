"""Check of a data manifest: split by person, no image twice, every file there and with the stated sha256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..checks import check_exists
from ..errors import one_line
from .manifest import (
    SECTIONS,
    all_entries,
    dataset_folder,
    file_keys,
    people_in_two_splits,
    read_manifest,
    resolve,
    same_file,
)

_BLOCK = 1 << 20


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Hexadecimal sha256 of a file, or of a folder's files in the order of their names (a DICOM series).

    Raises:
        FileNotFoundError: if it is not there, or a link in it points nowhere.
        ValueError: if it is, or holds, a pipe or a device.
    """
    digest = hashlib.sha256()
    path = Path(path)
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if not check_exists(file).is_dir():
            with file.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
    return digest.hexdigest()


def manifest_problems(
    name_or_path: str | os.PathLike[str],
    dataset_dir: str | os.PathLike[str] | None = None,
    hashes: bool = True,
    progress: bool = False,
) -> list[str]:
    """Everything that is wrong with a manifest and its data, one line a problem; an empty list if nothing is.

    Args:
        name_or_path: name of a shipped manifest or a JSON file.
        dataset_dir: folder of the data (see :func:`~monai_gan_recon.data.manifest.load_manifest`).
        hashes: compare sha256 (reads every file); else only whether the files exist.
        progress: show a progress bar.

    Raises:
        FileNotFoundError, ValueError: if the manifest itself cannot be read.
    """
    path, content = read_manifest(name_or_path)
    problems = list(_list_problems(content))
    folder, entries = dataset_folder(content, path, dataset_dir), list(all_entries(content))
    for section, entry in tqdm(entries, desc="checking files", unit="entry", disable=None if progress else True):
        for key, stated in file_keys(entry).items():
            if problem := _file_problem(str(entry[key]), stated, folder, hashes):
                problems.append(f"{section}: {problem}")
    return problems


def _list_problems(content: dict[str, Any]) -> Iterator[str]:
    for section in SECTIONS:
        if section in content and not content[section]:
            yield f"{section}: the list is empty; fill it or leave it out"
    for person, sections in people_in_two_splits(content).items():
        yield f"person {person!r} is in {' and '.join(sections)}; a person belongs to one split only"
    by_path: dict[str, str] = {}
    by_hash: dict[str, str] = {}
    for section, entry in all_entries(content):
        image, stated = same_file(entry["image"]), str(entry.get("sha256") or "").lower()
        if image in by_path:
            yield f"{section}: image {image} is listed twice (already in {by_path[image]})"
        elif stated and stated in by_hash:
            yield f"{section}: image {image} has the same content as {by_hash[stated]}"
        by_path.setdefault(image, section)
        if stated:
            by_hash.setdefault(stated, image)


def _file_problem(relative: str, stated: str | None, folder: Path, hashes: bool) -> str | None:
    try:
        file = resolve(relative, folder)
        if not Path(file).exists():
            return f"{file} is missing"
        if stated is None:
            return f"{relative} has no sha256 in the manifest"
        if hashes and sha256_of(file) != stated.lower():
            return f"{file} has another sha256 than the manifest states; it is another version or damaged"
    except (OSError, ValueError) as error:
        return one_line(error)
    return None
