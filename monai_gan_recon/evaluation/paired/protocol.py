"""One protocol of the paired evaluation (a rate, a pattern, ...): which scans are finished, and its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_gan_recon.data.manifest_paths import file_keys
from monai_gan_recon.evaluation.metrics_file import normalise_protocol
from monai_gan_recon.evaluation.paired.bundles import BundleReconstruction
from monai_gan_recon.evaluation.paired.cache import ScanCache, ScanScores, files_stamp, options_hash
from monai_gan_recon.evaluation.paired.files import paired_stem, write_people
from monai_gan_recon.evaluation.paired.scan import PairedScan
from monai_gan_recon.evaluation.paired.scores import person_rows
from monai_gan_recon.evaluation.paired.statistics import method_statistics, paired_differences
from monai_gan_recon.evaluation.results import mean_of


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
        self.cache = ScanCache(output_dir / f"scans_{self.stem}")

    def finished(self, entry: Mapping[str, Any], with_figure: bool = False) -> ScanScores | None:
        """Scores of a scan that was finished with the same options and files; else None."""
        if with_figure and not self._figure(entry).exists():
            return None
        return self.cache.read(str(entry["case"]), self._options(entry))

    def evaluate(self, scan: PairedScan, with_figure: bool = False) -> ScanScores:
        """Reconstruct, segment and score one scan; keep its scores and, if wanted, its figure.

        Args:
            scan: the scan.
            with_figure: draw it.

        Raises:
            ValueError: in one line, if the image or its labels cannot be used.
        """
        comparison = scan.compare(self.reconstruction(scan.entry))
        scores = ScanScores(comparison.rows, self.reconstruction.sampled_fraction)
        if with_figure:
            title = f"{scan.case}: {self.result['pattern']}, {100 * scores.sampled_fraction:.4g} % of k-space"
            scan.draw(comparison.columns, self._figure(scan.entry), title)
        self.cache.write(scan.case, self._options(scan.entry), scores)
        return scores

    def _figure(self, entry: Mapping[str, Any]) -> Path:
        return self.output_dir / f"figures_{self.stem}" / f"{entry['case']}.png"

    def _options(self, entry: Mapping[str, Any]) -> str:
        files = [str(entry[key]) for key in file_keys(entry)]
        return options_hash(self.result, entry["case"], entry["person"], files_stamp(files))


def write_scores(result: Mapping[str, Any], scans: Sequence[ScanScores], output_dir: Path) -> dict[str, Any]:
    """Write ``people_<result>.csv``.

    Args:
        result: protocol, method of segmentation and hash, see :class:`PairedProtocol`.
        scans: scores of all scans.
        output_dir: folder.

    Returns:
        The entry of ``metrics.json``: the result with counts, statistics over people and paired differences.
    """
    people = person_rows([row for scan in scans for row in scan.rows])
    write_people(people, output_dir / f"people_{paired_stem(result)}.csv")
    return {
        **result,
        "n_people": len({row.person for row in people}),
        "n_scans": len(scans),
        "sampled_fraction": mean_of(scan.sampled_fraction for scan in scans),
        "scores": method_statistics(people),
        "paired_differences": paired_differences(people),
    }
