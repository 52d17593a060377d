"""Markdown tables of the results: one for each size and rate, and what the systems cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.paper_tables.grid import LEARNED, NOT_DEFINED, RATES, SHIPPED, SIZES, SYSTEMS, Cell
from benchmarks.paper_tables.paper import nominal, paper_numbers
from benchmarks.paper_tables.results import is_finished
from benchmarks.paper_tables.statistics import compare, gain_of_last_quarter, is_flat
from monai_gan_recon.evaluation.table import markdown_table, value_text

Results = Mapping[Cell, Mapping[str, Any]]
"""Results that there are, finished or failed."""

REFERENCE = "ours"
NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")
RISING = " ▲"
HEAD = (
    "system", "the paper: PSNR / SSIM", "PSNR [dB]", "SSIM", "MSE", "RMSE", "NMSE", "ours minus it [dB]", "effect",
    "p", "last quarter of training [dB]",
)  # fmt: skip


def result_tables(results: Results, track: str) -> str:
    """All tables of a track, each with its heading: I to VI, with "S" on the simulated track."""
    parts = []
    mark = "" if track == "replica" else "-S"
    places = [(size, rate) for size in SIZES for rate in RATES]
    for numeral, (size, rate) in zip(NUMERALS, places, strict=False):
        title = f"### Table {numeral}{mark}: {size}, {nominal(rate)} % ({100 * rate:.4g} %)"
        parts += [title, table(results, size, rate, track)]
    return "\n\n".join(parts)


def table(results: Results, size: str, rate: float, track: str) -> str:
    """One size, rate and track: a row for every system, with its reason where there are no numbers."""
    ours = results.get(Cell(REFERENCE, size, rate, track))
    lines: list[Sequence[str]] = [HEAD]
    for system, words in SYSTEMS.items():
        title = f"{words} `{system}`"
        cell = Cell(system, size, rate, track)
        result = results.get(cell)
        if not is_finished(result) or result is None:
            lines.append([title, paper_numbers(cell), missing(cell, result), *["-"] * (len(HEAD) - 3)])
            continue
        rising = system in LEARNED and not is_flat(result["validation_psnr"])
        lines.append(
            [
                title + (RISING if rising else ""),
                paper_numbers(cell),
                value_text(result["psnr"], ".2f"),
                value_text(result["ssim"], ".4f"),
                *(value_text({**result[name], "ci95": None}, ".2e") for name in ("mse", "rmse", "nmse")),
                *comparison(ours, result),
                training(system, result["validation_psnr"]),
            ]
        )
    return markdown_table(lines)


def missing(cell: Cell, result: Mapping[str, Any] | None) -> str:
    """Why a cell has no numbers."""
    if result is not None:
        return str(result["status"]).replace("|", "\\|")
    return NOT_DEFINED.get((cell.system, cell.track), "not run")


def comparison(ours: Mapping[str, Any] | None, result: Mapping[str, Any]) -> list[str]:
    """Difference of PSNR, effect and p of ours against a system, as cells of the table."""
    if ours is None or not is_finished(ours) or result["system"] == REFERENCE:
        return ["-"] * 3
    paired = compare(ours, result)
    difference = value_text({"mean": paired.difference, "ci95": paired.ci95}, ".2f")
    return [difference, f"{paired.effect:+.2f}", "-" if paired.p is None else f"{paired.p:.2g}"]


def training(system: str, curve: Sequence[float]) -> str:
    """What the validation PSNR gained in the last quarter of the training."""
    if system in SHIPPED:
        return "trained elsewhere"
    gain = gain_of_last_quarter(curve)
    return "none" if gain is None else f"+{gain:.2f}"


def cost_table(results: Results, speed: Mapping[str, Any] | None) -> str:
    """Table VII: parameters, GFLOP and seconds of a slice.

    Args:
        results: of the cells.
        speed: content of ``speed_<device>.json``; None: not measured.
    """
    head = ["system", "parameters", *(f"GFLOP, {size}" for size in SIZES)]
    head += [f"s, {size}" for size in SIZES]
    lines: list[Sequence[str]] = [head]
    for system, title in SYSTEMS.items():
        found: dict[str, Mapping[str, Any]] = {}
        for cell, result in results.items():
            if cell.system == system and is_finished(result):
                found.setdefault(cell.size, result)
        measured = {size: (speed or {"sizes": {}})["sizes"].get(size, {}).get(system, {}) for size in SIZES}
        known = [*found.values(), *(entry for entry in measured.values() if entry)]
        parameters = known[0]["parameters"] if known else None
        line = [f"{title} `{system}`", "-" if parameters is None else f"{parameters:,}"]
        for size in SIZES:
            line.append(_number((measured[size] or found.get(size, {})).get("gflop_per_slice"), ".1f"))
        line += [_number(measured[size].get("seconds_per_slice"), ".3f") for size in SIZES]
        lines.append(line)
    return markdown_table(lines)


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"
