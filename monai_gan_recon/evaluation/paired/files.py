"""Result files of the paired evaluation: ``metrics.json``, one entry a protocol, and a CSV of people."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_gan_recon.evaluation.metrics_file import file_stem, identity, versions
from monai_gan_recon.evaluation.paired.scores import SegmentationRow
from monai_gan_recon.io.writing import atomic_path
from monai_gan_recon.metrics.segmentation import HAUSDORFF_PERCENTILE, SEGMENTATION_METRICS
from monai_gan_recon.segmentation.labels import TISSUES

CONVENTIONS: dict[str, object] = {
    "dice": "2 |A and B| / (|A| + |B|); 0 where only one of the two has the tissue",
    "hd95_mm": f"larger of the two directed {HAUSDORFF_PERCENTILE:g} % percentiles of surface distances",
    "volume_difference_ml": "volume minus that of the reference",
    "absent": "a tissue absent from both is left out of every mean; n counts the people that remain",
    "infinite": "hd95_mm is infinite where only one of the two has the tissue: counted by n_infinite, not averaged",
    "averaging": "scan, then person, then data set",
    "ci95": "half width of the 95 % confidence interval over people (Student's t); null for one person",
    "paired_differences": "method minus the other within each person, then averaged",
}


def paired_stem(entry: Mapping[str, Any]) -> str:
    """File name part of a result: its protocol, the method of segmentation and its options."""
    options = entry.get("segmentation_options", {}).items()
    parts = [file_stem(entry), entry["segmentation"], *(f"{name}{value}" for name, value in options)]
    return re.sub(r"[^\w.+-]+", "-", "_".join(parts))


def read_paired_metrics(path: str | Path) -> list[dict[str, Any]]:
    """Results of a ``metrics.json``; none if there is no file.

    Raises:
        ValueError: if it is not one of ours, or was made by other conventions.
    """
    path = Path(path)
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        results = list(content["results"])
        ours = all({"segmentation", "scores", "paired_differences"} <= set(entry) for entry in results)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: is not a metrics file; choose another --output_dir") from error
    if not ours or "paired_differences" not in content.get("conventions", ()):
        raise ValueError(f"{path}: holds no results of segmentations; choose another --output_dir")
    if content["conventions"] != CONVENTIONS:
        raise ValueError(f"{path}: was made by other conventions; choose another --output_dir")
    return results


def write_paired_metrics(path: str | Path, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Write results; those of the same protocol and segmentation are replaced, all others kept.

    A line is printed if what is replaced was made by another configuration, such as other weights.

    Args:
        path: the file.
        entries: one a protocol: the protocol, ``segmentation``, ``config_hash``, counts, ``scores`` and
            ``paired_differences``.

    Returns:
        All results of the file.

    Raises:
        ValueError: if an existing file is not one to add to.
    """
    new = {_key(entry): dict(entry) for entry in entries}
    old = read_paired_metrics(path)
    others = [
        paired_stem(entry)
        for entry in old
        if _key(entry) in new and entry["config_hash"] != new[_key(entry)]["config_hash"]
    ]
    if others:
        print(
            f"{path}: replaces results of another configuration or weights: {', '.join(others)}", flush=True
        )
    results = [entry for entry in old if _key(entry) not in new] + list(new.values())
    content = {"results": results, "conventions": CONVENTIONS, "versions": versions()}
    with atomic_path(path) as temporary:
        text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False, default=str)
        temporary.write_text(text + "\n", encoding="utf-8")
    return results


def write_people(people: Sequence[SegmentationRow], path: str | Path) -> Path:
    """CSV of one row a person, method and comparison; empty where a tissue is absent, "inf" where infinite."""
    columns = [(metric, tissue) for metric in SEGMENTATION_METRICS for tissue in TISSUES.values()]
    header = ["person", "n_scans", "method", "against", *(f"{metric}_{tissue}" for metric, tissue in columns)]
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in people:
            values = [row.scores[metric].get(tissue, math.nan) for metric, tissue in columns]
            cells = ["" if math.isnan(value) else f"{value:.7g}" for value in values]
            writer.writerow([row.person, row.n_scans, row.method, row.against, *cells])
    return Path(path)


def _key(entry: Mapping[str, Any]) -> str:
    segmentation = [entry["segmentation"], entry.get("segmentation_options", {})]
    return json.dumps([identity(entry), *segmentation], sort_keys=True, default=str)
