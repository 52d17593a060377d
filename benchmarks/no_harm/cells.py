"""The cells of the table: which test set is scanned how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

LINES = (0.09375, 0.25, 0.49609375)
"""Rates of columns, those of the published masks of 256: 24, 64 and 127."""

POINTS = (0.1, 0.25)


@dataclass(frozen=True)
class Cell:
    """One way of scanning one test set.

    Attributes:
        dataset: one of :data:`benchmarks.no_harm.datasets.TEST_SETS`.
        track: "replica", "simulated" or "raw".
        pattern: see :func:`monai_gan_recon.measurement.sampling_mask`.
        rate: fraction of k-space, in (0, 1].
        snr: of the simulated track; None: no noise is added.
        coils: number of coils, of raw k-space the most virtual ones; 1 of a scan with several: combined to one image
            by the sensitivities of the fully sampled scan.
    """

    dataset: str
    track: str
    pattern: str
    rate: float
    snr: float | None = None
    coils: int = 1

    @property
    def name(self) -> str:
        """Name of the cell's files, and what is selected by."""
        snr = "" if self.snr is None else f"-snr{self.snr:g}"
        return f"{self.dataset}-{self.track}-{self.coils}ch{snr}-{self.pattern}-{100 * self.rate:.4g}pct"

    @property
    def title(self) -> str:
        """The cell in words."""
        snr = "" if self.snr is None else f", SNR {self.snr:g}"
        coils = "" if self.coils == 1 else f", {self.coils} coils"
        if self.track == "raw" and self.coils == 1:
            coils = ", combined" if self.dataset.startswith(("brain", "phantom")) else ""
        return f"{self.dataset}, {self.track}{coils}{snr}, {self.pattern} {100 * self.rate:.3g} %"


def _simulated(dataset: str, pattern: str, rates: Iterable[float], snrs: Iterable[float], coils: int = 1) -> list[Cell]:
    return [Cell(dataset, "simulated", pattern, rate, snr, coils) for rate in rates for snr in snrs]


def _others(dataset: str, track: str, pattern: str, rates: Iterable[float], coils: int = 1) -> list[Cell]:
    return [Cell(dataset, track, pattern, rate, None, coils) for rate in rates]


TABLE: tuple[Cell, ...] = (
    *_simulated("oasis", "gaussian1d", LINES, (10, 20, 50)),
    *_simulated("oasis", "dagan1d", LINES, (20,)),
    *_simulated("oasis", "equispaced", (0.25,), (20,)),
    *_simulated("oasis", "poisson", POINTS, (20,)),
    *_simulated("oasis", "gaussian2d", POINTS, (20,)),
    *_simulated("oasis", "gaussian1d", (0.25,), (20,), coils=8),
    *_simulated("oasis", "poisson", (0.1,), (20,), coils=8),
    *_others("oasis", "replica", "gaussian1d", LINES),
    *_others("oasis", "replica", "poisson", POINTS),
    *_simulated("ds002748", "gaussian1d", LINES, (20,)),
    *_simulated("ds000011_T1", "gaussian1d", LINES, (10, 20, 50)),
    *_simulated("ds000011_T1", "poisson", POINTS, (20,)),
    *_others("ds000011_T1", "replica", "gaussian1d", LINES),
    *_simulated("ds000011_T2", "gaussian1d", LINES, (20,)),
    *_simulated("ms_T1", "gaussian1d", (0.25, 0.49609375), (20,)),
    *_simulated("ms_T2", "gaussian1d", (0.25, 0.49609375), (20,)),
    *_simulated("ms_FLAIR", "gaussian1d", (0.25, 0.49609375), (20,)),
    *_simulated("tumour_T1gd", "gaussian1d", (0.25, 0.49609375), (20,)),
    *_simulated("tumour_T1gd", "poisson", (0.1,), (20,)),
    *_simulated("dicom_head", "poisson", POINTS, (20,)),
    *_others("brain_8ch", "raw", "gaussian1d", (0.1, 0.25, 0.5), coils=8),
    *_others("brain_8ch", "raw", "gaussian1d", (0.1, 0.25, 0.5)),
    *_others("phantom_16ch", "raw", "gaussian1d", (0.25, 0.5), coils=8),
    *_others("ulf_GRE", "raw", "gaussian1d", (0.25, 0.5)),
    *_others("ulf_FSE", "raw", "gaussian1d", (0.25, 0.5)),
    *_others("ulf_FLAIR", "raw", "gaussian1d", (0.25, 0.5)),
    *_simulated("embedded", "gaussian1d", (0.25,), (20,)),
    *_others("embedded", "replica", "gaussian1d", (0.25,)),
)
"""All cells. ``embedded`` is an average of people that comes with an installed package: to try the command with."""


def choose(patterns: Sequence[str], table: Sequence[Cell] = TABLE) -> list[Cell]:
    """Cells by wildcards on their names, in the order of the wildcards; without any, all but the embedded ones.

    Raises:
        ValueError: if a wildcard fits no cell.
    """
    if not patterns:
        return [cell for cell in table if cell.dataset != "embedded"]
    chosen: dict[Cell, None] = {}
    for pattern in patterns:
        found = [cell for cell in table if fnmatchcase(cell.name, pattern)]
        if not found:
            raise ValueError(f"--cells: {pattern!r} fits no cell; `python -m benchmarks.no_harm cells` lists them")
        chosen.update(dict.fromkeys(found))
    return list(chosen)
