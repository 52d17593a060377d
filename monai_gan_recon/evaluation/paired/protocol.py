"""One protocol (a rate, a pattern, ...) on the scans of a data set: which are finished, and what they add up to."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.checks import check_output_dir, read_json
from monai_gan_recon.data.manifest import file_keys
from monai_gan_recon.engines.config_hash import options_hash
from monai_gan_recon.evaluation.metrics_file import normalise_protocol, paired_stem, write_csv
from monai_gan_recon.evaluation.paired.scan import BundleReconstruction, PairedScan
from monai_gan_recon.evaluation.statistics import (
    SegmentationRow,
    mean_of,
    method_statistics,
    paired_differences,
    person_rows,
    segmentation_columns,
)


@dataclass(frozen=True)
class ScanScores:
    """Scores of one scan under one protocol.

    Attributes:
        rows: one a method and comparison.
        sampled_fraction: of k-space: the true rate.
    """

    rows: Sequence[SegmentationRow]
    sampled_fraction: float

    @classmethod
    def load(cls, file: Path, options: str) -> ScanScores | None:
        """What :meth:`save` wrote; None if there is none, or of other options, or the file is damaged."""
        try:
            content = read_json(file, "are no scores")
            if content["options"] != options:
                return None
            rows = [SegmentationRow(**(row | {"scores": _floats(row["scores"])})) for row in content["rows"]]
            return cls(rows, float(content["sampled_fraction"]))
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def save(self, file: Path, options: str) -> None:
        """Keep the scores, as valid for the options that they were made with."""
        rows = [asdict(row) | {"scores": _texts(row.scores)} for row in self.rows]
        content = {"options": options, "sampled_fraction": self.sampled_fraction, "rows": rows}
        with atomic_path(file) as temporary:
            temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def files_stamp(files: Iterable[str]) -> list[list[Any]]:
    """Path, size and time of change of files: another stamp means that they may hold something else."""
    return [[file, (status := Path(file).stat()).st_size, status.st_mtime_ns] for file in files]


class PairedProtocol:
    """Evaluation of scans under one protocol.

    Args:
        reconstruction: undersamples and reconstructs.
        names: what else the results state: "dataset", "segmentation" (its method), "segmentation_options".
        fingerprint: hash of what the segmentation depends on.
        output_dir: folder of all results.
    """

    def __init__(
        self,
        reconstruction: BundleReconstruction,
        names: Mapping[str, Any],
        fingerprint: str,
        output_dir: Path,
    ) -> None:
        protocol = {k: v for k, v in reconstruction.protocol.items() if k != "min_foreground"}
        self.reconstruction, self.output_dir = reconstruction, output_dir
        self.result: dict[str, Any] = {
            **normalise_protocol({**protocol, **names}),
            "config_hash": options_hash(reconstruction.config_hash, fingerprint),
        }
        self.stem = paired_stem(self.result)
        self.folder = check_output_dir(output_dir / f"scans_{self.stem}")
        check_output_dir(output_dir / f"figures_{self.stem}")

    def finished(self, entry: Mapping[str, Any], with_figure: bool = False) -> ScanScores | None:
        """Scores of a scan that was finished with the same options and files; else None."""
        if with_figure and not self._figure(entry).exists():
            return None
        return ScanScores.load(self.folder / f"{entry['case']}.json", self._options(entry))

    def evaluate(self, scan: PairedScan, with_figure: bool = False) -> ScanScores:
        """Reconstruct, segment and score one scan; keep its scores and, if wanted, its figure."""
        comparison = scan.compare(self.reconstruction(scan.entry))
        scores = ScanScores(comparison.rows, self.reconstruction.sampled_fraction)
        if with_figure:
            title = f"{scan.case}: {self.result['pattern']}, {100 * scores.sampled_fraction:.4g} % of k-space"
            scan.draw(comparison.columns, self._figure(scan.entry), title)
        scores.save(self.folder / f"{scan.case}.json", self._options(scan.entry))
        return scores

    def _figure(self, entry: Mapping[str, Any]) -> Path:
        return self.output_dir / f"figures_{self.stem}" / f"{entry['case']}.png"

    def _options(self, entry: Mapping[str, Any]) -> str:
        files = [str(entry[key]) for key in file_keys(entry)]
        return options_hash(self.result, entry["case"], entry["person"], files_stamp(files))


def write_scores(result: Mapping[str, Any], scans: Sequence[ScanScores], output_dir: Path) -> dict[str, Any]:
    """Write ``people_<result>.csv``: a row a person, method and comparison, "inf" where a distance is infinite.

    The entry of ``metrics.json`` has the result with counts, statistics over people and paired differences.
    """
    people = person_rows([row for scan in scans for row in scan.rows])
    write_csv(
        output_dir / f"people_{paired_stem(result)}.csv",
        ("person", "n_scans", "method", "against", *segmentation_columns(people[0])[0]),
        ((p.person, p.n_scans, p.method, p.against, *segmentation_columns(p)[1]) for p in people),
    )
    return {
        **result,
        "n_people": len({row.person for row in people}),
        "n_scans": len(scans),
        "sampled_fraction": mean_of(scan.sampled_fraction for scan in scans),
        "scores": method_statistics(people),
        "paired_differences": paired_differences(people),
    }


def _texts(scores: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """JSON has no NaN (absent: null) and no infinity ("inf")."""
    return {
        metric: {
            tissue: None if math.isnan(value) else "inf" if math.isinf(value) else value
            for tissue, value in values.items()
        }
        for metric, values in scores.items()
    }


def _floats(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    return {
        metric: {tissue: math.nan if value is None else float(value) for tissue, value in values.items()}
        for metric, values in scores.items()
    }
