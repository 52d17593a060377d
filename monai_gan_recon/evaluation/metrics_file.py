"""The file ``metrics.json``: one entry a protocol and method, with conventions and versions."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import monai
import numpy as np
import torch

from monai_gan_recon import __version__
from monai_gan_recon.io.writing import atomic_path
from monai_gan_recon.metrics.conventions import METRICS, MIN_FOREGROUND, conventions

IDENTITY = ("dataset", "track", "pattern", "rate", "size", "plane")
"""What names a protocol; :func:`identity` adds the variations that apply."""


def versions() -> dict[str, str]:
    """Versions of what computed the numbers."""
    return {
        "monai_gan_recon": __version__,
        "monai": monai.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def normalise_protocol(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """Protocol as it stands in the file: numbers as such, ``size`` as [H, W] or "whole".

    Raises:
        ValueError: if ``dataset``, ``track``, ``pattern``, ``rate`` or ``plane`` is missing.
    """
    missing = [key for key in IDENTITY if key != "size" and protocol.get(key) is None]
    if missing:
        raise ValueError(
            f"the protocol of the evaluation lacks {', '.join(missing)}: give every result its protocol"
        )
    size = protocol.get("size")
    return {
        **{key: protocol[key] for key in IDENTITY if key != "size"},
        "rate": round(float(protocol["rate"]), 6),
        "size": "whole" if size is None or isinstance(size, str) else [int(n) for n in size],
        **{key: value for key, value in protocol.items() if key not in IDENTITY},
    }


def identity(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What two results must share to be results of one protocol: the later then replaces the earlier.

    Data set, track, pattern, rate, size and plane; SNR on the simulated track; Hermitian completion on the
    replica track, phase-encoding axis, seed and foreground filter where they are not the default.
    """
    key = {name: entry.get(name) for name in IDENTITY}
    if entry.get("track") == "simulated":
        key["snr"] = entry.get("snr")
    if entry.get("track") == "replica" and entry.get("hermitian") is False:
        key["hermitian"] = False
    if entry.get("axis") not in (None, -1):
        key["axis"] = entry["axis"]
    if entry.get("seed") not in (None, 0):
        key["seed"] = entry["seed"]
    if entry.get("min_foreground") not in (None, MIN_FOREGROUND):
        key["min_foreground"] = entry["min_foreground"]
    return key


def file_stem(protocol: Mapping[str, Any]) -> str:
    """File name part of a protocol: ``oasis_malc_replica_gaussian1d_9.375_coronal_256x256``, rate in %."""
    key = identity(normalise_protocol(protocol))
    size = key["size"] if isinstance(key["size"], str) else "x".join(str(n) for n in key["size"])
    parts = [key["dataset"], key["track"], key["pattern"], f"{100 * key['rate']:.6g}", key["plane"], size]
    parts += [f"{name}{value}" for name, value in key.items() if name not in IDENTITY]
    return re.sub(r"[^\w.+-]+", "-", "_".join(str(part) for part in parts))


def read_metrics(path: str | Path) -> dict[str, Any]:
    """Read a ``metrics.json``.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is not one of ours.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such metrics file")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = content["results"]
        complete = all(set(IDENTITY) | {"method", *METRICS} <= set(entry) for entry in entries)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path}: is not a metrics file; move it away or choose another output_dir"
        ) from error
    if not complete:
        raise ValueError(f"{path}: has incomplete results; move it away or choose another output_dir")
    return dict(content)


def check_can_accumulate(path: str | Path) -> list[dict[str, Any]]:
    """Results already in the file, to which others may be added; none if there is no file.

    Raises:
        ValueError: if the file is not one of ours or was made by other conventions.
    """
    if not Path(path).exists():
        return []
    content = read_metrics(path)
    if content.get("conventions") != conventions():
        raise ValueError(f"{path}: was made by other conventions; choose another output_dir")
    return list(content["results"])


def write_metrics(
    path: str | Path, entries: Sequence[Mapping[str, Any]], config_hash: str = ""
) -> dict[str, Any]:
    """Write results; those of the same protocol and method in the file are replaced, all others kept.

    A line is printed if what is replaced was made by another configuration, such as other weights.

    Args:
        path: the file.
        entries: results, each with its protocol, method and metrics.
        config_hash: hash of the configuration of this run.

    Returns:
        The file's content: ``results``, ``conventions``, ``versions``, ``config_hash``.

    Raises:
        ValueError: if an existing file is not one of ours or was made by other conventions.
    """
    new = [{**entry, "config_hash": config_hash} for entry in entries]
    replaced = [(identity(entry), entry["method"]) for entry in new]
    kept: list[dict[str, Any]] = []
    dropped: list[dict[str, Any]] = []
    for old in check_can_accumulate(path):
        (dropped if (identity(old), old["method"]) in replaced else kept).append(old)
    others = {file_stem(old): None for old in dropped if old.get("config_hash") != config_hash}
    if others:
        print(
            f"{path}: replaces results of another configuration or weights: {', '.join(others)}", flush=True
        )
    content = {
        "results": kept + new,
        "conventions": conventions(),
        "versions": versions(),
        "config_hash": config_hash,
    }
    with atomic_path(path) as temporary:
        text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False, default=str)
        temporary.write_text(text + "\n", encoding="utf-8")
    return content
