"""The paper's own numbers, as far as they are known for certain."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.paper_tables.grid import Cell, parse_size

FILE = Path(__file__).with_name("paper_numbers.json")

SYSTEMS = ("gan_resnet50", "dagan", "wdagan", "unet_hyun", "unsupervised_gan", "unet_dssim")
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
    if cell.system not in SYSTEMS or cell.track != "replica":
        return "-"
    wanted = {"system": cell.system, "size": cell.size, "percent": nominal(cell.rate)}
    for result in json.loads(FILE.read_text(encoding="utf-8"))["results"]:
        if wanted.items() <= result.items():
            return f"{result['psnr']:.1f} / {result['ssim']:.3f}"
    return UNKNOWN
