"""The grid: which systems, slice sizes, sampling rates and tracks there are; one combination is a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_gan_recon.vocabulary import TRACKS

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "brain_mri_gan_reconstruction"
SYSTEMS_DIR = BUNDLE / "configs" / "systems"
RESULTS_DIR = Path(__file__).parent / "results"

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
