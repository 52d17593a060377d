"""The report of an evaluation: an Ignite handler that scores volumes and writes tables and a figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from monai_gan_recon.evaluation.csv_files import write_people_csv, write_slices_csv
from monai_gan_recon.evaluation.figures import comparison_rows_figure
from monai_gan_recon.evaluation.metrics_file import (
    check_can_accumulate,
    file_stem,
    normalise_protocol,
    write_metrics,
)
from monai_gan_recon.evaluation.results import PersonRow, SliceRow, dataset_summary, mean_of, person_means
from monai_gan_recon.evaluation.table import metrics_table
from monai_gan_recon.evaluation.volume_scores import VolumeScores, score_volume
from monai_gan_recon.metrics.conventions import METHODS, MIN_FOREGROUND


class ReconstructionReport:
    """Score each evaluated volume; at the end write CSV files, ``metrics.json``, a figure, and print a table.

    For a MONAI evaluator that processes one volume an iteration and leaves in ``engine.state.output`` what
    :func:`monai_gan_recon.evaluation.volume_scores.score_volume` takes: a dictionary, or a list of them. Only
    rows of scores and a few slices for the figure are kept.

    Files in ``output_dir``, where ``<protocol>`` is as in "oasis_malc_replica_gaussian1d_10_coronal_256x256":
    ``metrics.json`` (grows: results of other protocols stay), ``slices_<protocol>.csv``,
    ``people_<protocol>.csv``, ``comparison_<protocol>.png``.

    Args:
        output_dir: folder of the results; made if needed.
        dataset: name of the data set.
        protocol: "track", "pattern", "rate", "size" ([H, W], or None for whole slices), "plane" and whatever
            else the results should state, such as "snr", "hermitian", "axis".
        config_hash: hash of the configuration.
        figures: draw the comparison figure.
        min_foreground: least fraction of the frame that the brain covers in a slice that counts.
        figure_people: number of people in the figure.

    Raises:
        ValueError: if the protocol is incomplete.
    """

    def __init__(
        self,
        output_dir: str | Path,
        dataset: str,
        protocol: Mapping[str, Any],
        config_hash: str = "",
        figures: bool = True,
        min_foreground: float = MIN_FOREGROUND,
        figure_people: int = 2,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.protocol = normalise_protocol({**protocol, "dataset": dataset, "min_foreground": min_foreground})
        self.config_hash = config_hash
        self.figures = figures
        self.min_foreground = min_foreground
        self.figure_people = figure_people
        self._reset()

    @property
    def metrics_path(self) -> Path:
        """The results' file."""
        return self.output_dir / "metrics.json"

    def attach(self, engine: Engine) -> None:
        """Score at each iteration of an evaluator, report at its end."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.score)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def start(self, _engine: Engine) -> None:
        """Forget earlier scores, and fail now rather than after the work if the results cannot be added.

        Raises:
            ValueError: if ``metrics.json`` exists and is not one to add to.
        """
        check_can_accumulate(self.metrics_path)
        self._reset()

    def score(self, engine: Engine) -> None:
        """Score the volume of this iteration."""
        output = engine.state.output
        for volume in output if isinstance(output, (list, tuple)) else [output]:
            self.add(volume)

    def add(self, output: Mapping[str, Any]) -> VolumeScores:
        """Score one volume (see :func:`score_volume`) and keep its rows."""
        scores = score_volume(output, self.min_foreground)
        self._rows += scores.rows
        self._sampled.append(scores.sampled_fraction)
        self._known.append(scores.known_fraction)
        self._notes += scores.notes
        person = scores.rows[0].person
        if self.figures and len(self._pictures) < self.figure_people and person not in self._pictures:
            self._pictures[person] = {**scores.pictures, "label": f"{person}, slice {scores.picture_slice}"}
        return scores

    def finish(self, _engine: Engine | None = None) -> dict[str, Any]:
        """Write all files and print the table.

        Returns:
            The content of ``metrics.json``.

        Raises:
            ValueError: if no volume was scored.
        """
        if not self._rows:
            raise ValueError(f"{self.output_dir}: no volume was evaluated, so no results were written")
        people = person_means(self._rows)
        entries = self._entries(people)
        stem = file_stem(self.protocol)
        write_slices_csv(self._rows, self.output_dir / f"slices_{stem}.csv")
        write_people_csv(people, self.output_dir / f"people_{stem}.csv")
        if self._pictures:
            title = (
                f"{self.protocol['dataset']}: {self.protocol['track']} track, {self.protocol['pattern']}, "
                f"{100 * self.protocol['rate']:.4g} % of k-space"
            )
            comparison_rows_figure(
                list(self._pictures.values()), self.output_dir / f"comparison_{stem}.png", title=title
            )
        content = write_metrics(self.metrics_path, entries, self.config_hash)
        print(metrics_table({**content, "results": entries}), flush=True)
        return content

    def _reset(self) -> None:
        self._rows: list[SliceRow] = []
        self._sampled: list[float] = []
        self._known: list[float] = []
        self._notes: list[str] = []
        self._pictures: dict[str, dict[str, Any]] = {}

    def _entries(self, people: list[PersonRow]) -> list[dict[str, Any]]:
        sampled, known = mean_of(self._sampled), mean_of(self._known)
        notes = list(self._notes)
        if self.protocol["track"] == "replica" and self.protocol.get("hermitian"):
            notes.append(
                f"the network's input is completed by Hermitian symmetry: {100 * (known or 0):.1f} % of "
                f"k-space is known from {100 * (sampled or 0):.1f} % sampled; zero_filled is without it"
            )
        return [
            {
                **self.protocol,
                "method": method,
                **dataset_summary(people, method),
                "sampled_fraction": sampled,
                "known_fraction_by_symmetry": known,
                "notes": notes,
            }
            for method in METHODS
        ]
