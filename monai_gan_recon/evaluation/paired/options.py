"""Options of the paired evaluation, and their checks before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monai_gan_recon.bundle.values import check_values, load_configs, refuse_code
from monai_gan_recon.checks import check_counts, check_output_dir
from monai_gan_recon.engines import check_device
from monai_gan_recon.errors import about
from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION, bundle_path
from monai_gan_recon.segmentation.networks import METHODS

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
    """Options of the paired evaluation; the command is ``monai-gan-recon paired``.

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
    bundle: str = RECONSTRUCTION
    weights: str | None = None
    set: dict[str, Any] = field(default_factory=dict)
    segmentation: str = "network"
    segmentation_bundle: str = SEGMENTATION
    segmentation_weights: str | None = None
    segmentation_set: dict[str, Any] = field(default_factory=dict)
    device: str | None = None
    output_dir: str = "outputs/paired"
    figures: int = 3

    def __post_init__(self) -> None:
        """Find the bundles and check the options."""
        for name, value in vars(self).items():
            refuse_code(name, value)
        check_output_dir(self.output_dir)
        if not self.rates:
            raise ValueError("--rates: give at least one sampling rate")
        check_counts(0, **{"--figures": self.figures})
        if self.device is not None:
            check_device(self.device)
        if self.segmentation not in METHODS:
            raise ValueError(f"--segmentation: {self.segmentation!r} is none of {', '.join(METHODS)}")
        self.bundle_folder, self.segmentation_folder = map(bundle_path, (self.bundle, self.segmentation_bundle))
        evaluate, inference = "configs/evaluate.yaml", "configs/inference.yaml"
        _check_settings("--set", self.set, self.bundle_folder / evaluate, OWN_OPTIONS)
        _check_settings(
            "--segmentation_set",
            self.segmentation_set,
            self.segmentation_folder / inference,
            SEGMENTATION_OPTIONS,
        )

    def reconstruction_options(self, rate: float) -> dict[str, Any]:
        """Options of the reconstruction bundle's ``evaluate.yaml`` at one rate."""
        names = ("datalist", "dataset_dir", "pattern", "axis", "plane", "track", "snr", "seed")
        options = {name: getattr(self, name) for name in names} | {"rate": rate, **self.set}
        options["size"] = list(self.size) if isinstance(self.size, tuple) else self.size
        given = {"weights": self.weights, "device": self.device}
        return options | {name: value for name, value in given.items() if value is not None}


def _check_settings(option: str, settings: Mapping[str, Any], file: Path, own: Mapping[str, str]) -> None:
    """Refuse items that the configuration in ``file`` does not have, or that have an option of their own."""
    for name in settings:
        if name in own:
            raise ValueError(f"{option}: {name} has an option of its own, {own[name]}")
    with about(option):
        values = {name.replace("#", "::"): value for name, value in settings.items()}
        check_values(values, load_configs([file]), files=[file])
