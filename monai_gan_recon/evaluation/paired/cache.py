"""Scores of finished scans, one JSON each, so that an interrupted evaluation goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monai_gan_recon.evaluation.paired.scores import SegmentationRow
from monai_gan_recon.io.writing import atomic_path


@dataclass(frozen=True)
class ScanScores:
    """Scores of one scan under one protocol.

    Attributes:
        rows: one a method and comparison.
        sampled_fraction: of k-space: the true rate.
    """

    rows: Sequence[SegmentationRow]
    sampled_fraction: float


def options_hash(*parts: Any) -> str:
    """First 16 hexadecimal digits of the sha256 of values that JSON can hold, and of files (their bytes)."""
    digest = hashlib.sha256()
    for part in parts:
        text = json.dumps(part, sort_keys=True, default=str).encode()
        digest.update(part.read_bytes() if isinstance(part, Path) else text)
    return digest.hexdigest()[:16]


def files_stamp(files: Iterable[str]) -> list[list[Any]]:
    """Path, size and time of change of files: another stamp means that they may hold something else."""
    return [[file, (status := Path(file).stat()).st_size, status.st_mtime_ns] for file in files]


class ScanCache:
    """Scores of scans in a folder, each valid for the options that it was made with.

    Args:
        folder: of the files ``<case>.json``; made when the first is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, case: str, options: str) -> ScanScores | None:
        """Scores of a scan; None if there are none, or of other options.

        Args:
            case: name of the scan.
            options: hash of the options and files.

        Raises:
            ValueError: if the file is not one of ours.
        """
        file = self._file(case)
        if not file.exists():
            return None
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if content["options"] != options:
                return None
            rows = [SegmentationRow(**(row | {"scores": _floats(row["scores"])})) for row in content["rows"]]
            return ScanScores(rows, float(content["sampled_fraction"]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{file}: is not a file of scores; move it away") from error

    def write(self, case: str, options: str, scores: ScanScores) -> None:
        """Keep the scores of a scan; those of other options are replaced."""
        rows = [asdict(row) | {"scores": _texts(row.scores)} for row in scores.rows]
        content = {"options": options, "sampled_fraction": scores.sampled_fraction, "rows": rows}
        with atomic_path(self._file(case)) as temporary:
            temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")

    def _file(self, case: str) -> Path:
        return self.folder / f"{case}.json"


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
