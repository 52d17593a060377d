"""The files of results: ``metrics.json``, in which the results of several runs gather, and CSV files."""

from __future__ import annotations

import csv
import json
import math
import platform
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import monai
import numpy as np
import torch

from monai_gan_recon import __version__
from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.checks import read_json
from monai_gan_recon.metrics.conventions import METRICS, MIN_FOREGROUND, conventions
from monai_gan_recon.metrics.segmentation import SEGMENTATION_CONVENTIONS

Entry = Mapping[str, Any]
PROTOCOL = ("dataset", "track", "pattern", "rate", "size", "plane")
"""What names a protocol; :func:`identity` adds the variations that apply."""

PREPROCESSING = ("dataset", "method", "contrast", "bias_field", "denoise")
"""What names an evaluation of tissue segmentation."""


@dataclass(frozen=True)
class MetricsFile:
    """One kind of ``metrics.json``: ``results``, the ``conventions`` they follow and the ``versions`` of the software.

    Attributes:
        conventions: of all results of a file; results that follow others do not go into it.
        required: keys that every result has.
        identity: what two results share if they are of one evaluation: the later then replaces the earlier.
        stem: name of a result, for messages and file names.
    """

    conventions: Mapping[str, object]
    required: frozenset[str]
    identity: Callable[[Entry], Any]
    stem: Callable[[Entry], str]

    def read(self, path: str | Path) -> dict[str, Any]:
        """The content of a file.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if it is not one of this kind.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such metrics file")
        try:
            content = read_json(path, "is no metrics file")
            complete = all(self.required <= set(entry) for entry in content["results"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{path}: is not a metrics file; move it away or choose another --output_dir") from error
        if not complete:
            raise ValueError(f"{path}: holds results of another kind; choose another --output_dir")
        return content

    def results(self, path: str | Path) -> list[dict[str, Any]]:
        """Results to which others may be added; none if there is no file.

        Raises:
            ValueError: if the file is not one of this kind, or was made by other conventions.
        """
        if not Path(path).exists():
            return []
        content = self.read(path)
        if content.get("conventions") != self.conventions:
            raise ValueError(f"{path}: was made by other conventions; choose another --output_dir")
        return list(content["results"])

    def add(self, path: str | Path, entries: Sequence[Entry]) -> dict[str, Any]:
        """Add results, each with its ``config_hash``; those of the same evaluation are replaced, all others kept.

        A line is printed if what is replaced was made by another configuration, such as other weights.

        Returns:
            The file's content, written complete or not at all.

        Raises:
            ValueError: if the file is not one to add to.
        """
        new = {self._key(entry): dict(entry) for entry in entries}
        old = [(self._key(entry), entry) for entry in self.results(path)]
        others = [e for key, e in old if key in new and e.get("config_hash") != new[key].get("config_hash")]
        if others:
            names = ", ".join(dict.fromkeys(map(self.stem, others)))
            print(f"{path}: replaces results of another configuration or weights: {names}", flush=True)
        content = {
            "results": [entry for key, entry in old if key not in new] + list(new.values()),
            "conventions": dict(self.conventions),
            "versions": versions(),
        }
        with atomic_path(path) as temporary:
            text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False, default=str)
            temporary.write_text(text + "\n", encoding="utf-8")
        return content

    def _key(self, entry: Entry) -> str:
        return json.dumps(self.identity(entry), sort_keys=True, default=str)


def versions() -> dict[str, str]:
    """Versions of what computed the numbers."""
    return {
        "monai_gan_recon": __version__,
        "monai": monai.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def normalise_protocol(protocol: Entry) -> dict[str, Any]:
    """Protocol as it stands in the file: numbers as such, ``size`` as [H, W] or "whole"; complete, or a ValueError."""
    missing = [key for key in PROTOCOL if key != "size" and protocol.get(key) is None]
    if missing:
        raise ValueError(f"the protocol of the evaluation lacks {', '.join(missing)}: give every result its protocol")
    size = protocol.get("size")
    return {
        **{key: protocol[key] for key in PROTOCOL if key != "size"},
        "rate": round(float(protocol["rate"]), 6),
        "size": "whole" if size is None or isinstance(size, str) else [int(n) for n in size],
        **{key: value for key, value in protocol.items() if key not in PROTOCOL},
    }


def identity(entry: Entry) -> dict[str, Any]:
    """What names the protocol of a reconstruction.

    Data set, track, pattern, rate, size and plane; SNR on the simulated track; Hermitian completion on the
    replica track, phase-encoding axis, seed and foreground filter where they are not the default.
    """
    key = {name: entry.get(name) for name in PROTOCOL}
    if entry.get("track") == "simulated":
        key["snr"] = entry.get("snr")
    if entry.get("track") == "replica" and entry.get("hermitian") is False:
        key["hermitian"] = False
    for name, default in (("axis", -1), ("seed", 0), ("min_foreground", MIN_FOREGROUND)):
        if entry.get(name) not in (None, default):
            key[name] = entry[name]
    return key


def file_stem(protocol: Entry) -> str:
    """File name part of a protocol: ``oasis_malc_replica_gaussian1d_9.375_coronal_256x256``, rate in %."""
    key = identity(normalise_protocol(protocol))
    size = key["size"] if isinstance(key["size"], str) else "x".join(str(n) for n in key["size"])
    parts = [key["dataset"], key["track"], key["pattern"], f"{100 * key['rate']:.6g}", key["plane"], size]
    parts += [f"{name}{value}" for name, value in key.items() if name not in PROTOCOL]
    return _file_name(parts)


def paired_stem(entry: Entry) -> str:
    """File name part of a paired result: its protocol, the method of segmentation and its options."""
    options = entry.get("segmentation_options", {}).items()
    return _file_name([file_stem(entry), entry["segmentation"], *(f"{k}{v}" for k, v in options)])


def tissue_stem(entry: Entry) -> str:
    """File name part of a segmentation: data set, method, and what of contrast and preprocessing is not usual."""
    contrast = entry.get("contrast")
    parts = [entry["dataset"], entry["method"], *([contrast] if contrast not in (None, "t1") else [])]
    words = {"bias_field": "bias_field", "denoise": "denoised"}
    return _file_name(parts + [word for name, word in words.items() if entry.get(name)])


RECONSTRUCTION = MetricsFile(
    conventions(),
    frozenset({*PROTOCOL, "method", *METRICS}),
    lambda entry: [identity(entry), entry["method"]],
    file_stem,
)
"""Results of a reconstruction: one a protocol and method (zero-filled or reconstruction)."""

PAIRED = MetricsFile(
    SEGMENTATION_CONVENTIONS | {"paired_differences": "method minus the other within each person, then averaged"},
    frozenset({"segmentation", "scores", "paired_differences"}),
    lambda entry: [identity(entry), entry["segmentation"], entry.get("segmentation_options", {})],
    paired_stem,
)
"""Results of what reconstruction does to a segmentation: one a protocol and segmentation."""

TISSUES = MetricsFile(
    SEGMENTATION_CONVENTIONS
    | {
        "grid": "labels are compared on the grid of the input image",
        "mean_dice": "mean over the tissues of a person, then over people",
        "seconds": "of a scan, without reading it; network_seconds: of these in the network",
    },
    frozenset({"dataset", "method", "mean_dice"}),
    lambda entry: [entry.get(name) for name in PREPROCESSING],
    tissue_stem,
)
"""Results of a segmentation: one a data set, method and preprocessing."""


def write_csv(path: str | Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> Path:
    """Write a CSV file, complete or not at all: numbers with seven digits, empty where there is none (None or NaN)."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_cell(value) for value in line] for line in lines)
    return Path(path)


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.7g}"
    return "" if value is None else value


def _file_name(parts: Sequence[object]) -> str:
    return re.sub(r"[^\w.+-]+", "-", "_".join(map(str, parts)))
