"""Fine-tuning as one job: score the start, train, score the result, and compare them subject by subject."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ignite.engine import Events
from tqdm import tqdm

from monai_gan_recon.bundle import open_bundle
from monai_gan_recon.checks import check_counts
from monai_gan_recon.data import load_manifest
from monai_gan_recon.evaluation.metrics_file import write_csv
from monai_gan_recon.evaluation.statistics import mean_of, person_means
from monai_gan_recon.evaluation.tables import text_table
from monai_gan_recon.simulation import Undersample

TRAIN = ("train.yaml", "finetune.yaml")
METRICS = ("psnr", "ssim")
_SHARED = ("dataset_dir", "device", "amp", "batch_size", "size", "seed")


@dataclass(frozen=True)
class FineTuned:
    """What a fine-tuning gave.

    Attributes:
        model: file of the weights, for ``--weights``.
        file: CSV file of the subjects.
        subjects: a row each: ``subject``, ``zero_filled_psnr``, ``before_psnr``, ``after_psnr``, and so for SSIM.
        table: the rows and their mean as text.
    """

    model: Path
    file: Path
    subjects: list[dict[str, Any]]
    table: str


def finetune(
    bundle: str | os.PathLike[str], options: Mapping[str, Any], rate: float = 0.25, track: str = "replica"
) -> FineTuned:
    """Fine-tune a bundle's weights on a data manifest.

    The subjects of the table are those of the manifest's testing list; without one, of the validation list, which chose
    the epoch.

    Args:
        bundle: name or folder of the bundle.
        options: of ``train.yaml`` with ``finetune.yaml``: at least ``datalist``.
        rate: sampling rate of the table.
        track: of the table, "replica" or "simulated".

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: in one line, for a manifest without a list, options that do not exist or fit, an output folder with
            the checkpoint of another training, or a training that diverged.
    """
    if "datalist" not in options:
        raise ValueError("there is no data manifest: make one by monai-gan-recon manifest build, and give its file")
    Undersample(rate=rate, track=track)  # tells what is wrong before data are prepared
    check_counts(patience=options.get("patience", 1))
    manifest = load_manifest(options["datalist"], options.get("dataset_dir"))
    section = "testing" if manifest.testing else "validation"
    training = open_bundle(bundle, TRAIN[0], options, merged=TRAIN[1:])
    start, folder, model_folder = (
        training.parser.get_parsed_content(name) for name in ("init_weights", "output_dir", "ckpt_dir")
    )
    shared = {name: options[name] for name in _SHARED if name in options}
    table = shared | {"datalist": options["datalist"], "section": section, "rate": rate, "track": track}

    def scores(weights: Any, name: str) -> dict[str, dict[str, Mapping[str, float | None]]]:
        tqdm.write(f"{name} the training: {section} subjects of {manifest.name}")
        out = {"weights": str(weights), "output_dir": str(Path(folder) / name), "figures": False}
        workflow = open_bundle(bundle, "evaluate.yaml", table | out)
        evaluator, report = (workflow.parser.get_parsed_content(item) for item in ("evaluator", "report"))
        evaluator.add_event_handler(
            Events.ITERATION_COMPLETED, lambda engine: tqdm.write(f"  {engine.state.output['case']}")
        )
        workflow.run()
        people: dict[str, dict[str, Mapping[str, float | None]]] = {}
        for row in person_means(report.rows):
            people.setdefault(row.person, {})[row.method] = row.metrics
        return people

    before = scores(start, "before")
    training.run()
    model = Path(model_folder) / "model.pt"
    after = scores(model, "after")
    rows = [
        {"subject": person}
        | {
            f"{stage}_{metric}": values[metric]
            for metric in METRICS
            for stage, values in (
                ("zero_filled", after[person]["zero_filled"]),
                ("before", before[person]["reconstruction"]),
                ("after", after[person]["reconstruction"]),
            )
        }
        for person in after
    ]
    file = Path(folder) / "subjects.csv"
    write_csv(file, tuple(rows[0]), (tuple(row.values()) for row in rows))
    title = f"{section} subjects, {track} track, rate {rate:g}"
    if section == "validation":
        title += " (not held out: these subjects chose the epoch)"
    return FineTuned(model, file, rows, _table(rows, title))


def _table(rows: list[dict[str, Any]], title: str) -> str:
    names = [name for name in rows[0] if name != "subject"]
    mean = {"subject": "mean"} | {name: mean_of(row[name] for row in rows) for name in names}
    lines = [["subject", *(name.replace("_", " ") for name in names)]]
    for row in [*rows, mean]:
        lines.append([str(row["subject"]), *("-" if row[n] is None else f"{row[n]:.4g}" for n in names)])
    return f"{title}\n{text_table(lines)}"
