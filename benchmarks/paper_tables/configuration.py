"""The configuration of one cell: the bundle's training and evaluation, the system's YAML, and what the cell fixes.

What the cell fixes is the same for every system: people, slice size, one rate, one track, pattern, number of slices,
batch size and seed. Networks, losses, learning rates and all else are the system's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.config import KeysCollection
from monai.transforms import MapTransform

from benchmarks.paper_tables.grid import BUNDLE, SHIPPED, Cell, Schedule, system_file
from monai_gan_recon.bundle.values import check_values, load_configs, refuse_code
from monai_gan_recon.checks import check_counts, check_seed
from monai_gan_recon.metrics import brain_coverage, brain_mask
from monai_gan_recon.metrics.conventions import MIN_FOREGROUND
from monai_gan_recon.transforms import CropPadSlices

SNR = 20.0
"""Of the simulated track, in training, validation and test."""

VALIDATION_SLICES = 24


@dataclass(frozen=True)
class Settings:
    """What all cells of a run share.

    Attributes:
        datalist: data manifest, name or file.
        dataset_dir: folder of its files, or None: as the manifest says.
        systems_dir: folder of the systems' YAML files; None: the usual ones.
        batch_size: slices of a training batch.
        seed: of the training; the test's masks and noise always have seed 0.
        slice_step: every n-th slice is tested.
        device: device to train and test on.
        threads: threads of the process of a cell.
    """

    datalist: str = "oasis_malc"
    dataset_dir: str | None = None
    systems_dir: str | None = None
    batch_size: int = 4
    seed: int = 0
    slice_step: int = 1
    device: str = "cpu"
    threads: int = 1

    def __post_init__(self) -> None:
        """Check what does not wait for a cell.

        Raises:
            ValueError: for code, or a number out of range.
        """
        for name, value in asdict(self).items():
            refuse_code(name, value)
        check_seed(self.seed)
        check_counts(batch_size=self.batch_size, slice_step=self.slice_step, threads=self.threads)


def training_config(cell: Cell, settings: Settings, schedule: Schedule, folder: Path, cache: Path) -> dict[str, Any]:
    """Content of the training's configuration.

    Args:
        cell: a cell of a learned system.
        settings: of the run.
        schedule: epochs and slices an epoch.
        folder: where the training writes; its checkpoints go to ``checkpoints`` in it.
        cache: folder of the preprocessed slices, shared by all cells.
    """
    size = list(cell.shape)
    tested = _merged(["evaluate.yaml"], cell, settings, {})
    hermitian, phase = cell.track == "replica" and bool(tested["hermitian"]), bool(tested["use_phase"])
    scan = {"rate": cell.rate, "track": cell.track, "snr": SNR, "hermitian": hermitian, "phase": phase}
    return _merged(
        ["train.yaml"],
        cell,
        settings,
        {
            "output_dir": str(folder),
            "ckpt_dir": str(folder / "checkpoints"),
            "cache_dir": str(cache),
            "resume": True,
            "seed": settings.seed,
            "max_epochs": schedule.epochs,
            "slices_per_epoch": schedule.slices_per_epoch,
            "batch_size": settings.batch_size,
            "num_workers": 0,
            "planes": ["coronal"],
            "size": size,
            "crop": size,
            "rates": [cell.rate, cell.rate],
            "lines": {"gaussian1d": 1.0},
            "points_probability": 0.0,
            "partial_fourier_probability": 0.0,
            "transpose_probability": 0.0,  # the test has one phase-encoding axis, and the slices are not square
            "replica_probability": 1.0 if cell.track == "replica" else 0.0,
            "hermitian_probability": 1.0 if hermitian else 0.0,  # as in the test
            "multi_coil_probability": 0.0,
            "snr": [SNR, SNR],
            "exact_probability": 0.0,
            "phase_known": 1.0 if phase else 0.0,
            "min_pixels": 16,
            "val_scans": [scan],
            "val_planes": ["coronal"],
            "val_slices": VALIDATION_SLICES,
            "val_interval": 1,
        },
    )


def evaluation_config(cell: Cell, settings: Settings, folder: Path, weights: Path | None) -> dict[str, Any]:
    """Content of the evaluation's configuration.

    Args:
        cell: any cell.
        settings: of the run.
        folder: where the results go.
        weights: of the trained network; None: the system needs none, or comes with its own.
    """
    fixed: dict[str, Any] = {
        "output_dir": str(folder),
        "figures": False,
        "save_volumes": False,
        "plane": "coronal",
        "size": list(cell.shape),
        "pattern": "gaussian1d",
        "rate": cell.rate,
        "axis": -1,
        "partial_fourier": 1.0,
        "coils": 1,
        "track": cell.track,
        "snr": SNR,
        "seed": 0,
        "batch_size": settings.batch_size,
    }
    if cell.system not in SHIPPED:
        fixed["weights"] = None if weights is None else str(weights)
    config = _merged(["evaluate.yaml"], cell, settings, fixed)
    steps = config["preprocessing"]["transforms"]
    crop = next(i for i, step in enumerate(steps) if step["_target_"].endswith("CropPadSlicesd"))
    steps.insert(crop, {"_target_": "benchmarks.paper_tables.configuration.KeepSlicesd", "step": settings.slice_step})
    return config


def cell_hash(cell: Cell, settings: Settings, schedule: Schedule | None) -> str:
    """Hash of all that decides a cell's numbers; folders, device and threads do not count.

    Returns:
        The first 16 hexadecimal digits of a sha256, the same on every machine.
    """
    nowhere = Path("folder")
    content: list[Any] = [evaluation_config(cell, settings, nowhere, None)]
    if schedule is not None:
        content.append(training_config(cell, settings, schedule, nowhere, nowhere))
    for part in content:
        part["datalist"] = Path(part["datalist"]).name
        for name in ("bundle_root", "dataset_dir", "device", "weights"):
            part.pop(name, None)
    if cell.system in SHIPPED:
        content.append(hashlib.sha256((BUNDLE / "models" / "model.pt").read_bytes()).hexdigest())
    text = json.dumps([asdict(cell), content], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _merged(files: list[str], cell: Cell, settings: Settings, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """The files, the system's YAML after them, and what is fixed over all."""
    paths = [BUNDLE / "configs" / name for name in files]
    if cell.system not in SHIPPED:
        system = system_file(cell.system, settings.systems_dir)
        if not system.is_file():
            raise FileNotFoundError(f"{system.name}: no configuration of this system in {system.parent}")
        paths.append(system)
    parser = ConfigParser(deepcopy(_loaded(*map(str, paths))))
    values = {
        "bundle_root": str(BUNDLE),
        "datalist": settings.datalist,
        "dataset_dir": settings.dataset_dir,
        "device": settings.device,
        **fixed,
    }
    check_values(values, parser.get())
    parser.update(values)
    content: dict[str, Any] = parser.get()
    return content


@cache
def _loaded(*paths: str) -> dict[str, Any]:
    """Merged content of files, read once."""
    return load_configs(paths)


def run_config(content: dict[str, Any], before_run: Callable[[ConfigParser], None] | None = None) -> ConfigParser:
    """Initialise and run a configuration.

    Args:
        content: of the configuration.
        before_run: called between the two, for what a handler of the configuration cannot do.

    Returns:
        The parser, which holds the objects that were made.

    Raises:
        SystemExit: with one line, where the configuration says what its user has to repair.
    """
    parser = ConfigParser(content)
    parser.parse()
    parser.get_parsed_content("initialize")
    if before_run is not None:
        before_run(parser)
    parser.get_parsed_content("run")
    return parser


FRAME = (256, 256)
"""The frame of which the brain must cover a tenth, the same for every slice size."""


class KeepSlicesd(MapTransform):
    """Keep the slices (1, N, H, W) that the protocol counts, or every n-th of them, or one given slice.

    All sizes of the tables are tested on the same slices this way: a slice is judged in the 256x256 frame before it is
    cropped. Where no slice covers enough (tiny volumes), all slices with foreground count.

    Args:
        keys: key of the volume of slices.
        step: keep every n-th of them, from the first on.
        only: keep this one slice of the volume and no other; where there are fewer, the middle one.
    """

    def __init__(self, keys: KeysCollection = "image", step: int = 1, only: int | None = None) -> None:
        super().__init__(keys)
        if step < 1:
            raise ValueError(f"--slice_step: give a whole number of at least 1, got {step}")
        self.step, self.only = step, only

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Keep those slices."""
        result = dict(data)
        for key in self.key_iterator(result):
            volume = result[key]
            chosen = self._chosen(volume)
            result[key] = volume[:, chosen]
        return result

    def _chosen(self, volume: torch.Tensor) -> list[int]:
        if self.only is not None:
            slices = volume.shape[1]
            return [self.only if self.only < slices else slices // 2]
        height, width = (min(n, side) for n, side in zip(volume.shape[-2:], FRAME, strict=True))
        inside = CropPadSlices((height, width))(torch.as_tensor(volume)).movedim(0, 1)  # padding has no brain
        coverage = brain_coverage(brain_mask(inside)) * (height * width) / (FRAME[0] * FRAME[1])
        counted = torch.nonzero(coverage >= MIN_FOREGROUND)[:, 0]
        if not len(counted):
            counted = torch.nonzero(coverage > 0)[:, 0]
        return [int(i) for i in counted[:: self.step]]
