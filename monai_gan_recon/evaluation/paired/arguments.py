"""Command line of the paired evaluation."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import yaml

from monai_gan_recon.bundle import plain
from monai_gan_recon.evaluation.paired.options import PairedOptions


def parse_options(arguments: Sequence[str] | None = None) -> PairedOptions:
    """Read the command line.

    Args:
        arguments: without the program; None: those of this process.

    Raises:
        SystemExit: if it cannot be read.
    """
    parser = argparse.ArgumentParser(
        prog="python -m monai_gan_recon.evaluation.paired",
        description="Segment original, zero-filled and reconstructed volumes and compare the segmentations.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    default = PairedOptions()
    add = parser.add_argument
    add("--datalist", default=default.datalist, help="name or file of a data manifest")
    add("--dataset_dir", help="root of its files; default: as the manifest says")
    add("--section", default=default.section, help="list of the manifest")
    add("--rates", type=float, nargs="+", default=default.rates, help="fractions of k-space that are sampled")
    add("--pattern", default=default.pattern, help="sampling pattern")
    add("--axis", type=int, default=default.axis, help="lines are columns (-1) or rows (-2)")
    add("--plane", default=default.plane, help="plane of the slices that are undersampled")
    add(
        "--size",
        nargs="+",
        default=default.size,
        metavar="N",
        help="height and width of the slices, or null: whole",
    )
    add("--track", default=default.track, help="replica, or simulated: with phase and noise")
    add("--snr", type=float, default=default.snr, help="of the simulated track")
    add("--seed", type=int, default=default.seed, help="of the sampling patterns")
    add("--bundle", help="folder of the reconstruction bundle; default: that of the source tree")
    add("--weights", help="of the reconstruction network; default: the bundle's")
    add(
        "--set",
        action="append",
        default=[],
        metavar="ID=VALUE",
        help="another item of the bundle's evaluate.yaml",
    )
    add("--segmentation", default=default.segmentation, help="network, or mixture: unsupervised")
    add("--segmentation_bundle", help="folder of the segmentation bundle; default: that of the source tree")
    add("--segmentation_weights", help="of the segmentation network; default: the bundle's")
    add(
        "--segmentation_set",
        action="append",
        default=[],
        metavar="ID=VALUE",
        help="an item of its inference.yaml, such as bias_field=false",
    )
    add("--device", help="such as cpu or cuda:0; default: a GPU if there is one")
    add("--output_dir", default=default.output_dir, help="folder of the results")
    add("--figures", type=int, default=default.figures, help="number of scans to draw")
    given = vars(parser.parse_args(arguments))
    given["size"] = _size(given["size"])
    for option in ("set", "segmentation_set"):
        given[option] = dict(_setting(f"--{option}", text) for text in given[option])
    return PairedOptions(**given)


def _size(words: Sequence[Any] | str) -> Any:
    """["256", "256"], ["[256,256]"] or ["null"] as the configuration has it."""
    values = [plain(yaml.safe_load(str(word))) for word in words]
    return values[0] if len(values) == 1 else values


def _setting(option: str, text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise SystemExit(f"{option}: {text!r} is not ID=VALUE")
    return name, yaml.safe_load(value)
