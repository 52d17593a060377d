"""Names of cases: one a volume, from its file, unique in a list."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_SUFFIXES = (".nii.gz", ".nii", ".npy", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm", ".mgz", ".mgh")
_RAW_SUFFIXES = (".h5", ".mrd", ".cfl", ".dat", ".mat")


def case_name(path: str | os.PathLike[str]) -> str:
    """Name of a case for its result files: file name without ".nii.gz", or name of the DICOM folder."""
    path = Path(path)
    for suffix in (*_SUFFIXES, *_RAW_SUFFIXES):
        if path.name.lower().endswith(suffix) and len(path.name) > len(suffix):
            return path.name[: -len(suffix)]
    return path.name or path.absolute().name


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
