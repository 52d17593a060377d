"""Subcommands that run the bundles: ``reconstruct``, ``segment``, ``evaluate``, ``train`` and ``finetune``."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monai_gan_recon.cli.console import Outcome
from monai_gan_recon.cli.options import add_options, given
from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION

_INPUT = (("input", "INPUT"), ("output_dir", "OUTPUT"))
_DATALIST = (("datalist", "MANIFEST"),)


def add_commands(commands: Any, bundle: str | None, **shared: Any) -> None:
    """Add the subcommands to a parser; the options of train and evaluate are those of ``bundle``, if it is given."""
    volumes = "NIfTI file, DICOM folder, raw k-space, or a folder of these; results go into the folder OUTPUT"
    brains = "segment a brain into CSF, grey and white matter: NIfTI file, DICOM folder, or folder of these"
    for name, home, text in (
        ("reconstruct", RECONSTRUCTION, f"reconstruct undersampled MRI: {volumes}"),
        ("segment", SEGMENTATION, brains),
    ):
        parser = commands.add_parser(name, help=text.partition(":")[0], description=text, **shared)
        _add_config(parser)
        add_options(parser, bundle or home, ["inference.yaml"], _INPUT, hidden=["dataset_dir"])
        parser.set_defaults(run=_inference)
    for name, config, run, text in (
        ("evaluate", "evaluate.yaml", _evaluate, "score a model on the testing list of a data manifest"),
        ("train", "train.yaml", _train, "train a model; goes on from its checkpoint if it is started again"),
    ):
        parser = commands.add_parser(name, help=text, **shared)
        _add_config(parser)
        add_options(parser, bundle or RECONSTRUCTION, [config], _DATALIST)
        parser.set_defaults(run=run)
    _add_finetune(commands, bundle or RECONSTRUCTION, shared)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        help="configuration to merge after the bundle's own, such as systems/gan_resnet50.yaml",
    )


def _add_finetune(commands: Any, bundle: str, shared: dict[str, Any]) -> None:
    finetune = commands.add_parser(
        "finetune",
        help="fine-tune the reconstruction on a data manifest; a table before/after of each subject at the end",
        **shared,
    )
    finetune.add_argument(
        "--from",
        "--weights",
        dest="start",
        default="shipped",
        help="shipped, or a file of weights (%(default)s)",
    )
    finetune.add_argument("--rate", type=float, default=0.25, help="sampling rate of the table (%(default)s)")
    finetune.add_argument("--track", default="replica", help="track of the table: replica or simulated (%(default)s)")
    add_options(finetune, bundle, ["train.yaml", "finetune.yaml"], _DATALIST, hidden=["init_weights"])
    finetune.set_defaults(run=_finetune)


def _inference(options: argparse.Namespace) -> Outcome:
    values = given(options)
    from monai_gan_recon.bundle import open_bundle

    workflow = open_bundle(options.bundle, "inference.yaml", values, merged=options.config)
    writer = workflow.parser.get_parsed_content("writer")
    try:
        workflow.run()
    except ValueError:
        if not writer.written:
            raise
    done, before = len(writer.results), len(writer.skipped)
    text = f"{options.command}: {done} of {done + before + len(writer.failed)} volumes"
    if before:
        text += f", {before} finished before"
    data = {"cases": writer.results, "finished_before": before, "failed": writer.failed}
    return Outcome(text, writer.written, data, code=1 if writer.failed else 0, timed=True)


def _evaluate(options: argparse.Namespace) -> Outcome:
    values = given(options)
    from monai_gan_recon.bundle import open_bundle

    workflow = open_bundle(options.bundle, "evaluate.yaml", values, merged=options.config)
    workflow.run()
    written = workflow.parser.get_parsed_content("report").written
    return Outcome("evaluate: the table is added to metrics.json", written, timed=True)


def _train(options: argparse.Namespace) -> Outcome:
    values = given(options)
    from monai_gan_recon.bundle import open_bundle

    workflow = open_bundle(options.bundle, "train.yaml", values, merged=options.config)
    with _resumable():
        workflow.run()
    model = Path(workflow.parser.get_parsed_content("ckpt_dir")) / "model.pt"
    return Outcome(f"train: use it by --weights {model}", [model], timed=True)


def _finetune(options: argparse.Namespace) -> Outcome:
    values = given(options)
    if options.start != "shipped":
        from monai_gan_recon.checks import check_exists

        values["init_weights"] = str(check_exists(options.start))
    from monai_gan_recon.evaluation.finetuning import finetune

    with _resumable():
        result = finetune(options.bundle, values, options.rate, options.track)
    text = f"{result.table}\n\nfinetune: use it by --weights {result.model}"
    return Outcome(text, [result.model, result.file], {"subjects": result.subjects}, timed=True)


@contextlib.contextmanager
def _resumable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on from the last finished epoch") from None
