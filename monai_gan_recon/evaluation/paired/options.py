"""Options of the paired evaluation, from Python or from the command line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from monai.bundle import ConfigParser

from monai_gan_recon.bundle.folders import RECONSTRUCTION, SEGMENTATION, find_bundle
from monai_gan_recon.engines.precision import check_device
from monai_gan_recon.segmentation.options import METHODS

OWN_OPTIONS = {name: f"--{name}" for name in (
    "datalist", "dataset_dir", "pattern", "axis", "plane", "track", "snr", "seed", "size", "weights", "device",
    "output_dir",
)} | {"rate": "--rates", "bundle_root": "--bundle"}  # fmt: skip
"""Items of the reconstruction's configuration that ``--set`` must not set, with the option that does."""

SEGMENTATION_OPTIONS = {
    "method": "--segmentation",
    "weights": "--segmentation_weights",
    "bundle_root": "--segmentation_bundle",
    "device": "--device",
    "output_dir": "--output_dir",
}
"""The same for ``--segmentation_set``."""


@dataclass
class PairedOptions:
    """Options of the paired evaluation; :func:`add_arguments` says what they mean.

    What the bundles check themselves (pattern, rate, size, track, weights, ...) is not checked here.

    Raises:
        ValueError: in one line, for an option that does not fit.
        FileNotFoundError: if a bundle is not there.
    """

    datalist: str = "embedded"
    dataset_dir: str | None = None
    section: str = "testing"
    rates: Sequence[float] = (0.1, 0.5)
    pattern: str = "gaussian1d"
    axis: int = -1
    plane: str = "coronal"
    size: Sequence[int] | None = (256, 256)
    track: str = "replica"
    snr: float = 20.0
    seed: int = 0
    bundle: str | None = None
    weights: str | None = None
    set: dict[str, Any] = field(default_factory=dict)
    segmentation: str = "network"
    segmentation_bundle: str | None = None
    segmentation_weights: str | None = None
    segmentation_set: dict[str, Any] = field(default_factory=dict)
    device: str | None = None
    output_dir: str = "outputs/paired"
    figures: int = 3

    def __post_init__(self) -> None:
        """Find the bundles and check the options."""
        if not self.rates:
            raise ValueError("--rates: give at least one sampling rate")
        if self.figures < 0:
            raise ValueError(f"--figures: give a whole number of at least 0, not {self.figures}")
        if self.segmentation not in METHODS:
            raise ValueError(f"--segmentation: {self.segmentation!r} is none of {', '.join(METHODS)}")
        if self.device is not None:
            check_device(self.device)
        self.bundle_folder = find_bundle(RECONSTRUCTION, self.bundle)
        self.segmentation_folder = find_bundle(
            SEGMENTATION, self.segmentation_bundle, "inference.yaml", "--segmentation_bundle"
        )
        _check_settings("--set", self.set, self.bundle_folder / "configs" / "evaluate.yaml", OWN_OPTIONS)
        inference = self.segmentation_folder / "configs" / "inference.yaml"
        _check_settings("--segmentation_set", self.segmentation_set, inference, SEGMENTATION_OPTIONS)

    def reconstruction_options(self, rate: float) -> dict[str, Any]:
        """Options of the reconstruction bundle's ``evaluate.yaml`` at one rate."""
        names = ("datalist", "dataset_dir", "pattern", "axis", "plane", "track", "snr", "seed")
        options = {name: getattr(self, name) for name in names} | {"rate": rate, **self.set}
        options["size"] = None if self.size is None else list(self.size)
        given = {"weights": self.weights, "device": self.device}
        return options | {name: value for name, value in given.items() if value is not None}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command; :func:`options_of` makes :class:`PairedOptions` of what was parsed."""
    default, add = PairedOptions, parser.add_argument
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
    add("--set", action="append", default=[], metavar="ID=VALUE", help="another item of its evaluate.yaml")
    add("--segmentation", default=default.segmentation, help="network, or mixture: unsupervised")
    add("--segmentation_bundle", help="folder of the segmentation bundle; default: that of the source tree")
    add("--segmentation_weights", help="of the segmentation network; default: the bundle's")
    add("--segmentation_set", action="append", default=[], metavar="ID=VALUE",
        help="an item of its inference.yaml, such as bias_field=false")  # fmt: skip
    add("--device", help="such as cpu or cuda:0; default: a GPU if there is one")
    add("--output_dir", default=default.output_dir, help="folder of the results")
    add("--figures", type=int, default=default.figures, help="number of scans to draw")


def options_of(arguments: argparse.Namespace) -> PairedOptions:
    """Options that were parsed.

    Raises:
        ValueError: in one line, for what does not fit.
        FileNotFoundError: if a bundle is not there.
    """
    given = {name: vars(arguments)[name] for name in PairedOptions.__dataclass_fields__}
    size = [yaml.safe_load(str(word)) for word in given["size"]]  # "256 256", "[256,256]" or "null"
    given["size"] = size[0] if len(size) == 1 else size
    for name in ("set", "segmentation_set"):
        given[name] = dict(_setting(f"--{name}", text) for text in given[name])
    return PairedOptions(**given)


def _setting(option: str, text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{option}: {text!r} is not ID=VALUE")
    return name, yaml.safe_load(value)


def _check_settings(option: str, settings: Mapping[str, Any], file: Path, own: Mapping[str, str]) -> None:
    """Raise a ValueError for an item that cannot be set, or a value that MONAI would run.

    Args:
        option: the option that gives them.
        settings: value of each item.
        file: configuration that must have them.
        own: items with an option of their own, and that option.
    """
    config = ConfigParser(ConfigParser.load_config_file(str(file)))
    for name, value in settings.items():
        if name in own:
            raise ValueError(f"{option}: {name} has an option of its own, {own[name]}")
        if name.replace("#", "::") not in config:
            raise ValueError(f"{option}: {file} has no {name!r}")
        if re.search(r"(^|['\"])[$%@]", str(value)):
            raise ValueError(
                f"{option}: {name}={value!r}: MONAI would run or resolve it; write the value itself"
            )
