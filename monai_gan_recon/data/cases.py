"""Names of cases: one a volume, from its file, unique in a list."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_SUFFIXES = (
    ".nii.gz", ".nii", ".npy", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm", ".mgz", ".mgh",
    ".h5", ".mrd", ".cfl", ".dat", ".mat",
)  # fmt: skip
LONGEST = 120
"""Bytes of a case's name, of which the names of its files are made."""


def case_name(path: str | os.PathLike[str]) -> str:
    """Name of a case for its result files: file name without ".nii.gz", or name of the DICOM folder.

    It is a plain file name of at most :data:`LONGEST` bytes: what cannot be printed, separators and a dot in front
    become "_", and the start of a hash then tells such names apart.

    Example:
        >>> case_name("/data/sub-01_T1w.nii.gz")
        'sub-01_T1w'
    """
    path = Path(path)
    for suffix in _SUFFIXES:
        if path.name.lower().endswith(suffix) and len(path.name) > len(suffix):
            return _safe(path.name[: -len(suffix)])
    return _safe(path.name or path.absolute().name)


def neutral_name(identity: str) -> str:
    """Name of a case that says nothing of the person, the same in each run: "dicom_" and the start of a hash.

    ``identity`` tells it from others and is no name, such as a SeriesInstanceUID.
    """
    return f"dicom_{_hash(identity)}"


def check_case(name: str) -> str:
    """The name of a case; a ValueError if it is no plain file name of at most :data:`LONGEST` bytes."""
    if not name or _safe(name) != name:
        raise ValueError(
            f"{name!r} cannot name results: give a file name without folder, of at most {LONGEST} bytes, "
            "that does not start with a dot"
        )
    return name


def _safe(name: str) -> str:
    plain = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in name)
    plain = re.sub(r"^\.+", "_", plain).encode()[:LONGEST].decode(errors="ignore")
    return plain if plain == name else f"{plain}-{_hash(name)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:10]


def with_cases(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Entries with a ``case``: the name of the image's file, numbered where several share it; no two are the same."""
    names = [case_name(entry["image"]) for entry in entries]
    count = Counter(names)
    taken = {name for name in names if count[name] == 1}
    cases = []
    for number, name in enumerate(names):
        case, further = name, number
        while count[name] > 1 and (case == name or case in taken):
            case, further = f"{name}_{further}", further + len(names)
        taken.add(case)
        cases.append(case)
    return [dict(entry) | {"case": case} for entry, case in zip(entries, cases, strict=True)]
