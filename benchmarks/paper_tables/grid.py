"""The grid of systems, slice sizes, rates and tracks, what the paper has of it, and the length of a training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_gan_recon.vocabulary import TRACKS

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "brain_mri_gan_reconstruction"
SYSTEMS_DIRS = (BUNDLE / "configs" / "systems", ROOT / "benchmarks" / "systems" / "configs")
"""Folders of the systems' YAML files: those of the package's own parts, and those that it is compared with."""
RESULTS_DIR = Path(__file__).parent / "results"


def system_file(system: str, systems_dir: str | Path | None = None) -> Path:
    """YAML file of a system; of one in none of the folders, where it would be in the last.

    Args:
        system: its name.
        systems_dir: folder to look in; None: :data:`SYSTEMS_DIRS`.
    """
    folders = SYSTEMS_DIRS if systems_dir is None else (Path(systems_dir),)
    files = [folder / f"{system}.yaml" for folder in folders]
    return next((file for file in files if file.is_file()), files[-1])


LEARNED = {
    "ours": "Ours: unrolled ResNet bottlenecks, data consistency, GAN",
    "ours_supervised": "Ours without the critic",
    "ours_no_dc": "Ours without data consistency",
    "resnet50_dc": "Single ResNet-50 with data consistency, GAN",
    "gan_resnet50": "GAN-ResNet50 (the paper's form)",
    "gan_resnet50_gp": "GAN-ResNet50, gradient penalty",
    "dagan": "DAGAN",
    "wdagan": "WDAGAN",
    "unet_hyun": "U-net with k-space correction (Hyun)",
    "unet_dssim": "U-net with DSSIM loss (Wang)",
    "unsupervised_gan": "Unsupervised GAN (Cole)",
    "monai_complex_unet": "MONAI ComplexUnet",
    "monai_varnet": "MONAI VarNet",
}
UNTRAINED = {
    "zero_filled": "Zero-filled",
    "zero_filled_hermitian": "Zero-filled, Hermitian mirror",
    "cs_wavelet": "Compressed sensing, wavelets",
    "cs_tv": "Compressed sensing, total variation",
}
SHIPPED = {"shipped_any_rate": "Shipped weights: any size, any rate, other training data"}
SYSTEMS = {**UNTRAINED, **LEARNED, **SHIPPED}
"""Every system of the tables, in their order, with its title."""

SIZES = ("64x128", "128x256", "256x256")
RATES = (0.09375, 0.49609375)
"""True rates of DAGAN's 10 % and 50 % patterns (24 and 127 of 256 lines)."""

NOT_DEFINED = {
    ("zero_filled_hermitian", "simulated"): "an object with phase has no Hermitian mirror",
}
"""Systems that a track does not have, with the reason."""


@dataclass(frozen=True)
class Cell:
    """One combination: what is trained and tested once.

    Attributes:
        system: a name of :data:`SYSTEMS`.
        size: "HEIGHTxWIDTH" of the slices in pixels.
        rate: fraction of k-space that is sampled.
        track: "replica" or "simulated".
    """

    system: str
    size: str
    rate: float
    track: str

    @property
    def name(self) -> str:
        """Name of its files, such as ``ours_64x128_0.09375_replica``."""
        return f"{self.system}_{self.size}_{self.rate:.8g}_{self.track}"

    @property
    def kind(self) -> str:
        """System and size, what all rates and tracks share, such as ``ours 64x128``."""
        return f"{self.system} {self.size}"

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return parse_size(self.size)

    @property
    def learned(self) -> bool:
        """Whether it has to be trained."""
        return self.system in LEARNED

    @property
    def title(self) -> str:
        """Words for a progress line."""
        return f"{self.system} {self.size} {100 * self.rate:.4g} % {self.track}"


def parse_size(size: str) -> tuple[int, int]:
    """Height and width of "64x128".

    Raises:
        ValueError: for anything else, or a side below 16 pixels.
    """
    sides = size.split("x")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) >= 16 for side in sides):
        raise ValueError(f"a size is HEIGHTxWIDTH in pixels, each at least 16, such as 64x128; got {size!r}")
    return int(sides[0]), int(sides[1])


def cells(
    systems: Sequence[str] = tuple(SYSTEMS),
    sizes: Sequence[str] = SIZES,
    rates: Sequence[float] = RATES,
    tracks: Sequence[str] = TRACKS,
) -> list[Cell]:
    """All cells of a grid: small sizes first, so that a run that is cut short has whole tables."""
    ordered = sorted(sizes, key=lambda size: parse_size(size)[0] * parse_size(size)[1])
    return [
        Cell(system, size, rate, track)
        for size in ordered
        for track in tracks
        for rate in rates
        for system in systems
        if (system, track) not in NOT_DEFINED
    ]


PAPER_NUMBERS = Path(__file__).with_name("paper_numbers.json")

PAPER_SYSTEMS = ("gan_resnet50", "dagan", "wdagan", "unet_hyun", "unsupervised_gan", "unet_dssim")
"""Systems that the paper compares."""

UNKNOWN = "n/a here"


def nominal(rate: float) -> int:
    """The paper's nominal percentage of a rate: 9.375 % is its 10 %, 49.609375 % its 50 %."""
    return round(10 * rate) * 10


def rate_text(size: str, rate: float) -> str:
    """A rate as the paper names it, and what it is in columns of this size, such as "50 % (127 of 256 lines)"."""
    n = parse_size(size)[1]
    return f"{nominal(rate)} % ({max(round(rate * n), 1)} of {n} lines)"


def paper_numbers(cell: Cell) -> str:
    """The paper's "PSNR / SSIM" of a cell; "n/a here" if not known, "-" if the paper has none."""
    if cell.system not in PAPER_SYSTEMS or cell.track != "replica":
        return "-"
    wanted = {"system": cell.system, "size": cell.size, "percent": nominal(cell.rate)}
    for result in json.loads(PAPER_NUMBERS.read_text(encoding="utf-8"))["results"]:
        if wanted.items() <= result.items():
            return f"{result['psnr']:.1f} / {result['ssim']:.3f}"
    return UNKNOWN


MIN_EPOCHS, MAX_EPOCHS = 4, 20
"""An epoch is a validation and a checkpoint; the last quarter of the epochs tells whether the curve is flat."""

MIN_BATCHES = 4
"""Of an epoch, if the training has enough: else validation would take more time than training."""

MAX_SLICES = 1000
"""Of an epoch: fewer than the training people of the tables have."""


@dataclass(frozen=True)
class Schedule:
    """Length of a training.

    Attributes:
        epochs: number of epochs, each followed by a validation and a checkpoint.
        slices_per_epoch: training slices of an epoch, a multiple of the batch size.
    """

    epochs: int
    slices_per_epoch: int

    @property
    def slice_iterations(self) -> int:
        """Generator samples seen."""
        return self.epochs * self.slices_per_epoch


def schedule_of(slice_iterations: int, batch_size: int) -> Schedule:
    """The longest schedule of whole batches that does not exceed a number of slice-iterations.

    Args:
        slice_iterations: slices that the generator may see.
        batch_size: slices of a batch.

    Raises:
        ValueError: if that is less than one batch for each of four epochs.
    """
    batches = slice_iterations // batch_size
    if batches < MIN_EPOCHS:
        raise ValueError(
            f"{slice_iterations} slice-iterations do not fill {MIN_EPOCHS} epochs of one batch of {batch_size}: "
            "raise --slice_iterations or --budget, or lower --batch_size"
        )
    longest = max(MAX_SLICES // batch_size, 1)
    wanted = max(MIN_EPOCHS, min(MAX_EPOCHS, batches // MIN_BATCHES))
    epochs = max(wanted, -(-batches // longest))
    return Schedule(epochs, batches // epochs * batch_size)
