"""Reports of an evaluation: Ignite handlers that score each volume and write tables at the end."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ignite.engine import Engine, Events

from monai_gan_recon.checks import check_fractions, check_output_dir, check_switches
from monai_gan_recon.evaluation.figures import comparison_figure
from monai_gan_recon.evaluation.metrics_file import (
    RECONSTRUCTION,
    TISSUES,
    MetricsFile,
    file_stem,
    normalise_protocol,
    tissue_stem,
    write_csv,
)
from monai_gan_recon.evaluation.page import reconstruction_page, tissue_page, worst_tissues, write_evaluation
from monai_gan_recon.evaluation.scores import VolumeScores, WorstSlice, score_segmentations, score_volume
from monai_gan_recon.evaluation.statistics import (
    LABELS,
    ORIGINAL,
    SegmentationRow,
    dataset_summary,
    finite_mean_and_ci,
    mean_and_ci,
    mean_of,
    method_statistics,
    person_means,
    person_rows,
    segmentation_columns,
)
from monai_gan_recon.evaluation.tables import metrics_table, tissue_table
from monai_gan_recon.metrics.conventions import METHODS, METRICS, MIN_FOREGROUND
from monai_gan_recon.metrics.segmentation import SEGMENTATION_METRICS

_PICTURED = 2
"""People in the comparison figure."""


class Report(ABC):
    """Score each volume of an evaluator; at the end write CSV files and ``metrics.json``, and print a table.

    For an evaluator that processes one volume an iteration and leaves in ``engine.state.output`` what :meth:`add`
    takes. Results of other evaluations stay in ``metrics.json``.

    Args:
        output_dir: folder of the results; made if needed.
        protocol: what the results state of how they were made.
        config_hash: hash of the configuration and weights.

    Attributes:
        rows: scores so far, see :mod:`monai_gan_recon.evaluation.statistics`.
        worst: the worst slice of each scan, for the page.
    """

    file: ClassVar[MetricsFile]

    def __init__(self, output_dir: str | Path, protocol: Mapping[str, Any], config_hash: str = "") -> None:
        self.output_dir, self.config_hash = check_output_dir(output_dir), config_hash
        self.protocol, self.metrics_path = dict(protocol), self.output_dir / "metrics.json"
        self.reset()

    def attach(self, engine: Engine) -> None:
        """Score at each iteration of an evaluator, report at its end."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.score)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def start(self, _engine: Engine) -> None:
        """Forget earlier scores; if ``metrics.json`` is not one to add to, a ValueError before the work is done."""
        self.file.results(self.metrics_path)
        self.reset()

    def score(self, engine: Engine) -> None:
        """Score the volume of this iteration."""
        self.add(engine.state.output)

    def finish(self, _engine: Engine | None = None) -> dict[str, Any]:
        """Write all files, print the table, and give the content of ``metrics.json``."""
        if not self.rows:
            raise ValueError(f"{self.output_dir}: no volume was evaluated, so no results were written")
        entries = [{**entry, "config_hash": self.config_hash} for entry in self.results()]
        content = self.file.add(self.metrics_path, entries)
        print(self.table(entries), flush=True)
        return content

    def reset(self) -> None:
        """Forget all scores."""
        self.rows: list[Any] = []
        self.worst: list[WorstSlice] = []

    def _page(self, stem: str, options: Mapping[str, Any]) -> None:
        page = write_evaluation(self.output_dir / f"{stem}_report.html", self.worst, **options)["report"]
        print(f"report -> {page}", flush=True)

    @abstractmethod
    def add(self, output: Mapping[str, Any]) -> object:
        """Score one volume and keep its rows."""

    @abstractmethod
    def results(self) -> list[dict[str, Any]]:
        """Write the files of the rows; their entries in ``metrics.json``."""

    @abstractmethod
    def table(self, entries: list[dict[str, Any]]) -> str:
        """The entries as text."""


class ReconstructionReport(Report):
    """Report of a reconstruction beside the zero-filled image.

    Files in ``output_dir``, where ``<protocol>`` is as in "oasis_malc_replica_gaussian1d_10_coronal_256x256":
    ``metrics.json``, ``slices_<protocol>.csv``, ``people_<protocol>.csv``, ``comparison_<protocol>.png``, and
    ``<protocol>_report.html``, a page to look at with the worst slice of each scan, and its preview.

    Args:
        output_dir: of :class:`Report`, as ``config_hash``.
        dataset: name of the data set.
        protocol: "track", "pattern", "rate", "size" ([H, W], or None for whole slices), "plane" and whatever
            else the results should state, such as "snr", "hermitian", "axis"; a ValueError if it is incomplete.
        figures: draw the comparison figure, write the page.
        min_foreground: least fraction of the frame that the brain covers in a slice that counts.
    """

    file = RECONSTRUCTION

    def __init__(
        self,
        output_dir: str | Path,
        dataset: str,
        protocol: Mapping[str, Any],
        config_hash: str = "",
        figures: bool = True,
        min_foreground: float = MIN_FOREGROUND,
    ) -> None:
        check_fractions(min_foreground=min_foreground)
        check_switches(figures=figures)
        named = normalise_protocol({**protocol, "dataset": dataset, "min_foreground": min_foreground})
        super().__init__(output_dir, named, config_hash)
        self.figures, self.min_foreground = figures, min_foreground

    def reset(self) -> None:
        """Forget all scores."""
        super().reset()
        self._scores: list[VolumeScores] = []

    def add(self, output: Mapping[str, Any]) -> VolumeScores:
        """Score one volume, see :func:`score_volume`."""
        scores = score_volume(output, self.min_foreground)
        self._scores.append(scores)
        self.rows += scores.rows
        if self.figures:
            self.worst.append(scores.worst)
        return scores

    def results(self) -> list[dict[str, Any]]:
        """Write the CSV files and the figure; one entry a method."""
        people, stem, protocol = person_means(self.rows), file_stem(self.protocol), self.protocol
        write_csv(
            self.output_dir / f"slices_{stem}.csv",
            ("person", "case", "slice", "method", *METRICS),
            ((r.person, r.case, r.slice, r.method, *(r.metrics.get(m) for m in METRICS)) for r in self.rows),
        )
        write_csv(
            self.output_dir / f"people_{stem}.csv",
            ("person", "method", "n_slices", *METRICS),
            ((p.person, p.method, p.n_slices, *(p.metrics[m] for m in METRICS)) for p in people),
        )
        if self.figures:
            title = f"{protocol['dataset']}: {protocol['track']} track, {protocol['pattern']}, "
            title += f"{100 * protocol['rate']:.4g} % of k-space"
            pictures: dict[str, dict[str, Any]] = {}
            for one in self._scores:
                pictures.setdefault(one.rows[0].person, one.picture)
            shown = list(pictures.values())[:_PICTURED]
            comparison_figure(shown, self.output_dir / f"comparison_{stem}.png", title=title)
        sampled = math.fsum(one.sampled_fraction for one in self._scores) / len(self._scores)
        known = math.fsum(one.known_fraction for one in self._scores) / len(self._scores)
        own_notes = [note for one in self._scores for note in one.notes]
        notes = own_notes[:]
        if protocol["track"] == "replica" and protocol.get("hermitian"):
            notes.append(
                f"the network's input is completed by Hermitian symmetry: {100 * known:.1f} % of "
                f"k-space is known from {100 * sampled:.1f} % sampled; zero_filled is without it"
            )
        stated = {"sampled_fraction": sampled, "known_fraction_by_symmetry": known, "notes": notes}
        entries = [{**protocol, "method": method, **dataset_summary(people, method), **stated} for method in METHODS]
        if self.worst:
            self._page(stem, reconstruction_page(entries, people, own_notes))
        return entries

    def table(self, entries: list[dict[str, Any]]) -> str:
        """The entries as text."""
        return metrics_table(entries)


class TissueReport(Report):
    """Report of a tissue segmentation against reference labels.

    Takes the outputs of a :class:`~monai_gan_recon.segmentation.segmenter.TissueEvaluator`, with ``reference`` and
    ``image``. Files in ``output_dir``: ``metrics.json``, ``cases_<dataset>_<method>.csv``, a row a scan, and
    ``<dataset>_<method>_report.html``, a page to look at with the worst slice of each scan, and its preview; the names
    tell contrasts and preprocessing apart, too. The protocol has ``dataset``, ``method``, ``contrast``, ``bias_field``,
    ``denoise`` and whatever else the result should state.
    """

    file = TISSUES

    def reset(self) -> None:
        """Forget all scores."""
        super().reset()
        self._seconds: list[tuple[float, float]] = []

    def add(self, output: Mapping[str, Any]) -> None:
        """Score one volume; keep its row and, for the page, its worst slice."""
        labels = {ORIGINAL: output["pred"]}
        self.rows += score_segmentations(output["person"], output["case"], labels, output["reference"], LABELS)
        self._seconds.append((output["seconds"], output["network_seconds"]))
        self.worst.append(worst_tissues(output, _mean_dice(self.rows[-1])))

    def results(self) -> list[dict[str, Any]]:
        """Write the CSV file, "inf" where a distance is infinite; one entry."""
        people = person_rows(self.rows)
        (scores,) = method_statistics(people)
        seconds, network_seconds = zip(*self._seconds, strict=True)
        names, _ = segmentation_columns(self.rows[0])
        write_csv(
            self.output_dir / f"cases_{tissue_stem(self.protocol)}.csv",
            ("person", "case", *names, "seconds", "network_seconds"),
            (
                (row.person, row.case, *segmentation_columns(row)[1], *times)
                for row, times in zip(self.rows, self._seconds, strict=True)
            ),
        )
        entry = {
            **self.protocol,
            "n_people": len(people),
            "n_scans": len(self.rows),
            "mean_dice": finite_mean_and_ci(_mean_dice(row) for row in people),
            **{metric: scores[metric] for metric in SEGMENTATION_METRICS},
            "seconds": mean_and_ci(seconds),
            "network_seconds": mean_and_ci(network_seconds),
        }
        self._page(tissue_stem(self.protocol), tissue_page(entry, people))
        return [entry]

    def table(self, entries: list[dict[str, Any]]) -> str:
        """The entry as text."""
        return tissue_table(entries[0])


def _mean_dice(row: SegmentationRow) -> float:
    mean = mean_of(row.scores["dice"].values())
    return math.nan if mean is None else mean
