"""Manifest of a folder: what ``monai-gan-recon manifest build`` does."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from monai_gan_recon.atomic import atomic_path

from ..checks import check_seed
from ..io.dicom.files import check_readable, visible_files
from ..io.images import looks_like_labels
from .cases import case_name
from .manifest import SECTIONS, check_name, one_spelling
from .manifest_check import sha256_of

logger = logging.getLogger(__name__)
FILES_ARE_PEOPLE = "files without sub-XX in their path count as a person each"


def find_images(folder: Path, suffix: str | None = None) -> list[dict[str, str]]:
    """Entries (image, person, session) of the NIfTIs in a BIDS folder or a plain folder.

    With ``sub-XX`` subfolders it is BIDS: person from ``sub-XX``, session from ``ses-XX``. Otherwise every NIfTI below
    it counts, each its own person, named by the file's stem (or by ``sub-XX`` in its path). ``suffix`` is the last part
    of the files' stems; default: "T1w" in BIDS, anything in a plain folder.

    Raises:
        FileNotFoundError: if there is no such folder.
        PermissionError: if a folder may not be read.
        ValueError: if no image is found.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    subjects = sorted(entry for entry in folder.glob("sub-*") if entry.is_dir())
    if subjects and suffix is None:
        suffix = "T1w"
    files = [file for start in subjects or [folder] for file in visible_files(start)]
    check_readable(files)
    entries = []
    for file in sorted(file for file in files if file.name.endswith((".nii", ".nii.gz"))):
        stem = case_name(file)
        relative = file.relative_to(folder).as_posix()
        if relative.encode(errors="replace").decode() != relative:
            raise ValueError(f"{folder}: the name {relative!r} is no text in UTF-8; rename the file")
        if suffix and not (stem == suffix or stem.endswith(f"_{suffix}")):
            continue
        person = re.search(r"sub-[A-Za-z0-9]+", relative)
        entry = {"image": relative, "person": person.group() if person else stem.removesuffix(f"_{suffix}")}
        if session := re.search(r"ses-[A-Za-z0-9]+", relative):
            entry["session"] = session.group()
        entries.append(entry)
        with contextlib.suppress(ValueError, OSError):  # damaged: whoever reads it says so
            if not suffix and looks_like_labels(file):
                logger.warning("%s: looks like a label map, and is listed as an image; --suffix chooses images", file)
    if not entries:
        kind = f"*_{suffix}.nii.gz images" if suffix else "NIfTI images"
        raise ValueError(f"{folder}: no {kind} found; check the folder and --suffix")
    return entries


def split_people(people: Sequence[str], fractions: Sequence[float], seed: int = 0) -> dict[str, list[str]]:
    """Random split of people, one name each, into training, validation and testing.

    The three fractions add up to 1; a split whose fraction is above 0 gets at least one person.

    Raises:
        ValueError: if the fractions are not such numbers, or there are fewer people than splits.
    """
    wanted = np.asarray(fractions, dtype=float)
    if wanted.shape != (3,) or not (wanted >= 0).all() or not abs(wanted.sum() - 1) <= 1e-6:
        raise ValueError(f"fractions must be three numbers from 0 to 1 that add up to 1, not {list(fractions)}")
    check_seed(seed)
    names = sorted(set(people))
    used = wanted > 0
    if len(names) < used.sum():
        raise ValueError(f"{len(names)} people cannot be split over {used.sum()} lists; change --fractions")
    counts = np.where(used, 1, 0)
    for _ in range(len(names) - int(counts.sum())):
        counts[int(np.argmax(np.where(used, wanted * len(names) - counts, -np.inf)))] += 1
    order = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    ends = np.cumsum(counts)
    return {
        section: order[end - count : end] for section, end, count in zip(SECTIONS, ends, counts, strict=True) if count
    }


def build_manifest(
    folder: Path,
    output: Path,
    name: str | None = None,
    licence: str = "not stated",
    citation: str = "not stated",
    fractions: Sequence[float] = (0.7, 0.1, 0.2),
    seed: int = 0,
    suffix: str | None = None,
) -> dict[str, Any]:
    """Manifest of a folder (:func:`find_images`), split by person, with the sha256 of every image; nothing is written.

    Args:
        folder: BIDS folder or plain folder of NIfTIs.
        output: where the manifest is going to be; its ``root`` is the folder as seen from there, or the folder's name
            if it is not below.
        name: of the data set; default: the output file's stem.
        licence: of the data.
        citation: of the data.
        fractions: of the people in training, validation, testing.
        seed: of the split.
        suffix: see :func:`find_images`.

    Raises:
        ValueError: if nothing is found, two people have the same file, or a person is written in two ways.
    """
    title = name or output.stem
    check_name(title)
    entries: list[dict[str, str]] = find_images(folder, suffix)
    one_spelling(entry["person"] for entry in entries)
    split = split_people([entry["person"] for entry in entries], fractions, seed)
    for entry in tqdm(entries, desc="sha256", unit="file", disable=None):
        entry["sha256"] = sha256_of(folder / entry["image"])
    _refuse_copies(entries)
    lists = {section: [entry for entry in entries if entry["person"] in people] for section, people in split.items()}
    people = len({entry["person"] for entry in entries})
    guessed = "" if all(entry["person"].startswith("sub-") for entry in entries) else f"; {FILES_ARE_PEOPLE}"
    return {
        "name": title,
        "title": title,
        "description": f"{len(entries)} images of {people} people, split by person (seed {seed}){guessed}",
        "licence": licence,
        "licence_url": "",
        "citation": citation,
        "source": f"folder {folder.name}",
        "modality": suffix or "T1w",
        "root": _root(folder, output),
        **lists,
    }


def _root(folder: Path, output: Path) -> str:
    """The folder as seen from the manifest; its name alone if it is elsewhere: its place is given when it is read."""
    place = Path(os.path.relpath(folder.absolute(), output.absolute().parent))
    return folder.absolute().name if ".." in place.parts else place.as_posix()


def _refuse_copies(entries: Sequence[dict[str, str]]) -> None:
    first: dict[str, dict[str, str]] = {}
    for entry in entries:
        other = first.setdefault(entry["sha256"], entry)
        if other["person"] != entry["person"]:
            raise ValueError(
                f"{other['image']} and {entry['image']} are the same file under the names of two people; remove one, "
                "or put both in the folder of one sub-XX"
            )


def write_manifest(manifest: dict[str, Any], output: Path) -> None:
    """Write a manifest as JSON; complete or not at all."""
    with atomic_path(output) as temporary:
        temporary.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
