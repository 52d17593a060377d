"""The report of an evaluation of tissue segmentation: an Ignite handler that scores volumes and writes tables."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from monai_gan_recon.checks import check_output_dir
from monai_gan_recon.evaluation.metrics_file import versions
from monai_gan_recon.evaluation.paired.files import CONVENTIONS as PAIRED_CONVENTIONS
from monai_gan_recon.evaluation.paired.scores import (
    LABELS,
    ORIGINAL,
    SegmentationRow,
    person_rows,
    score_segmentations,
)
from monai_gan_recon.evaluation.paired.statistics import finite_mean_and_ci, method_statistics
from monai_gan_recon.evaluation.results import mean_and_ci
from monai_gan_recon.io.writing import atomic_path
from monai_gan_recon.metrics.segmentation import SEGMENTATION_METRICS
from monai_gan_recon.segmentation.labels import TISSUES

CONVENTIONS = {key: value for key, value in PAIRED_CONVENTIONS.items() if key != "paired_differences"} | {
    "grid": "labels are compared on the grid of the input image",
    "mean_dice": "mean over the tissues of a person, then over people",
    "seconds": "of a scan, without reading it; network_seconds: of these in the network",
}
IDENTITY = ("dataset", "method", "contrast", "bias_field", "denoise")
"""What results of one evaluation share: a later one replaces the earlier one in ``metrics.json``."""


class TissueReport:
    """Score each segmented volume against its reference; at the end write the files and print a table.

    Files in ``output_dir``: ``metrics.json`` (results of other data sets, methods and preprocessing stay in it) and
    ``cases_<dataset>_<method>.csv``, a row a scan; the name tells contrasts and preprocessing apart, too. Only scores
    are kept in memory.

    Args:
        output_dir: folder of the results; made if needed.
        protocol: ``dataset``, ``method``, ``contrast``, ``bias_field``, ``denoise`` and whatever else the result should
            state.
        config_hash: hash of the configuration and weights.
    """

    def __init__(self, output_dir: str | Path, protocol: Mapping[str, Any], config_hash: str = "") -> None:
        self.output_dir, self.config_hash = check_output_dir(output_dir), config_hash
        self.protocol = dict(protocol)
        self._rows: list[SegmentationRow] = []
        self._seconds: list[tuple[float, float]] = []

    def attach(self, engine: Engine) -> None:
        """Score at each iteration of a :class:`~monai_gan_recon.segmentation.engine.TissueEvaluator`."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.score)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def start(self, _engine: Engine) -> None:
        """Forget earlier scores; fail now rather than after the work if the results cannot be added.

        Raises:
            ValueError: if ``metrics.json`` exists and is not one to add to.
        """
        read_results(self.output_dir / "metrics.json")
        self._rows, self._seconds = [], []

    def score(self, engine: Engine) -> None:
        """Score the volume of this iteration."""
        output = engine.state.output
        segmentation = {ORIGINAL: output["pred"]}
        self._rows += score_segmentations(
            output["person"], output["case"], segmentation, output["reference"], LABELS
        )
        self._seconds.append((output["seconds"], output["network_seconds"]))

    def finish(self, _engine: Engine | None = None) -> dict[str, Any]:
        """Write the files, print the table, and return the new result."""
        people = person_rows(self._rows)
        (scores,) = method_statistics(people)
        seconds, network_seconds = zip(*self._seconds, strict=True)
        result = {
            **self.protocol,
            "config_hash": self.config_hash,
            "n_people": len(people),
            "n_scans": len(self._rows),
            "mean_dice": finite_mean_and_ci(_mean_dice(row) for row in people),
            **{metric: scores[metric] for metric in SEGMENTATION_METRICS},
            "seconds": mean_and_ci(seconds),
            "network_seconds": mean_and_ci(network_seconds),
        }
        write_cases(self._rows, self._seconds, self.output_dir / f"cases_{result_stem(result)}.csv")
        write_results(self.output_dir / "metrics.json", result)
        print(table(result), flush=True)
        return result


def read_results(path: Path) -> list[dict[str, Any]]:
    """Results of a ``metrics.json`` of tissue segmentation; none if there is no file.

    Raises:
        ValueError: if it is another kind of file, or was made by other conventions.
    """
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        results = list(content["results"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: is not a metrics file; choose another --output_dir") from error
    if content.get("conventions") != CONVENTIONS:
        raise ValueError(f"{path}: holds results of another kind or convention; choose another --output_dir")
    return results


def write_results(path: Path, result: Mapping[str, Any]) -> None:
    """Add a result to a ``metrics.json``; one of the same data set, method, contrast and preprocessing is replaced.

    A line is printed if what is replaced was made by another configuration, such as other weights.
    """
    key = [result.get(name) for name in IDENTITY]
    found = read_results(path)
    others = [old for old in found if [old.get(name) for name in IDENTITY] != key]
    if any(old not in others and old.get("config_hash") != result.get("config_hash") for old in found):
        print(
            f"{path}: replaces a result of another configuration or weights: {result_stem(result)}",
            flush=True,
        )
    content = {"results": [*others, result], "conventions": CONVENTIONS, "versions": versions()}
    with atomic_path(path) as temporary:
        text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False, default=str)
        temporary.write_text(text + "\n", encoding="utf-8")


def write_cases(
    rows: Sequence[SegmentationRow], seconds: Sequence[tuple[float, float]], path: str | Path
) -> Path:
    """CSV of one row a scan; empty where a tissue is absent, "inf" where a distance is infinite.

    Args:
        rows: scores of each scan.
        seconds: of each scan, in all and in the network.
        path: file to write.
    """
    columns = [(metric, tissue) for metric in SEGMENTATION_METRICS for tissue in TISSUES.values()]
    names = [f"{metric}_{tissue}" for metric, tissue in columns]
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["person", "case", *names, "seconds", "network_seconds"])
        for row, times in zip(rows, seconds, strict=True):
            values = [row.scores[metric].get(tissue, math.nan) for metric, tissue in columns]
            cells = ["" if math.isnan(value) else f"{value:.7g}" for value in values]
            writer.writerow([row.person, row.case, *cells, *(f"{time:.3f}" for time in times)])
    return Path(path)


def table(result: Mapping[str, Any]) -> str:
    """A result as text: a line of what it is of, and one a tissue."""
    lines = [
        f"{result['dataset']}, {result['method']}: {result['n_people']} people, {result['n_scans']} scans, "
        f"mean Dice {_number(result['mean_dice'])}; {result['seconds']['mean']:.1f} s a scan",
        f"{'tissue':8}{'Dice':>20}{'HD95 [mm]':>20}{'volume diff. [ml]':>20}",
    ]
    for tissue in result["dice"]:
        cells = (
            _number(result[metric][tissue], 4 if metric == "dice" else 2) for metric in SEGMENTATION_METRICS
        )
        lines.append(f"{tissue.upper():8}" + "".join(f"{cell:>20}" for cell in cells))
    return "\n".join(lines)


def _mean_dice(row: SegmentationRow) -> float:
    present = [value for value in row.scores["dice"].values() if not math.isnan(value)]
    return sum(present) / len(present) if present else math.nan


def _number(value: Mapping[str, Any], digits: int = 4) -> str:
    if value["mean"] is None:
        return "absent" if not value.get("n_infinite") else "infinite"
    interval = "" if value["ci95"] is None else f" ± {value['ci95']:.{digits}f}"
    return f"{value['mean']:.{digits}f}{interval}"


def result_stem(result: Mapping[str, Any]) -> str:
    """File name part of a result: data set, method, and contrast and preprocessing where they are not the default."""
    contrast = result.get("contrast")
    changed = f"_{contrast}" if contrast not in (None, "t1") else ""
    changed += "_bias_field" if result.get("bias_field") else ""
    changed += "_denoised" if result.get("denoise") else ""
    return re.sub(r"[^\w.+-]+", "-", f"{result['dataset']}_{result['method']}{changed}")
