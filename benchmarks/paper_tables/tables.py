"""Markdown tables of the results: one for each size and rate, what cells had, longer trainings, a summary, costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from benchmarks.paper_tables.grid import (
    LEARNED,
    NOT_DEFINED,
    RATES,
    RESULTS_DIR,
    SHIPPED,
    SIZES,
    SYSTEMS,
    TRACKS,
    UNKNOWN,
    Cell,
    paper_numbers,
    rate_text,
)
from benchmarks.paper_tables.results import compare, gain_of_last_quarter, is_finished, is_flat
from monai_gan_recon.evaluation.tables import markdown_table, value_text

Results = Mapping[Cell, Mapping[str, Any]]
"""Results that there are, finished or failed."""

REFERENCE = "ours"
NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")
RISING = " ▲"
HEAD = (
    "system", "the paper: PSNR / SSIM", "PSNR [dB]", "SSIM", "MSE", "RMSE", "NMSE", "ours minus it [dB]", "effect",
    "p", "training slices", "last quarter of training [dB]",
)  # fmt: skip
NOT_RUN = "not run"
REASONS = "[What has not been run](#what-has-not-been-run)"
"""Where the page says why, by hand."""


def result_tables(results: Results, track: str) -> str:
    """All tables of a track, each with its heading: I to VI, with "S" on the simulated track."""
    if not any(cell.track == track for cell in results):
        return f"None of this track's cells has been run. {REASONS} says why."
    parts = []
    mark = "" if track == "replica" else "-S"
    places = [(size, rate) for size in SIZES for rate in RATES]
    for numeral, (size, rate) in zip(NUMERALS, places, strict=False):
        title = f"### Table {numeral}{mark}: {size}, {rate_text(size, rate)}"
        parts += [title, table(results, size, rate, track), *not_run(results, size, rate, track)]
    return "\n\n".join(parts)


def table(results: Results, size: str, rate: float, track: str) -> str:
    """One size, rate and track: a row for every system with numbers, a reason for none, or a number of the paper's."""
    ours = results.get(Cell(REFERENCE, size, rate, track))
    lines: list[Sequence[str]] = [HEAD]
    for system, words in SYSTEMS.items():
        title = f"{words} `{system}`"
        cell = Cell(system, size, rate, track)
        result = results.get(cell)
        if not is_finished(result) or result is None:
            if _has_row(cell, result):
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
                *training(system, result),
            ]
        )
    return markdown_table(lines)


def not_run(results: Results, size: str, rate: float, track: str) -> list[str]:
    """The sentence below a table that names the systems without a row; empty if there are none."""
    cells = [Cell(system, size, rate, track) for system in SYSTEMS]
    names = [f"`{cell.system}`" for cell in cells if not _has_row(cell, results.get(cell))]
    return [f"Not run: {', '.join(names)}. {REASONS} says why."] if names else []


def _has_row(cell: Cell, result: Mapping[str, Any] | None) -> bool:
    defined = (cell.system, cell.track) not in NOT_DEFINED
    return result is not None or not defined or paper_numbers(cell) not in ("-", UNKNOWN)


def missing(cell: Cell, result: Mapping[str, Any] | None) -> str:
    """Why a cell has no numbers."""
    if result is not None:
        return str(result["status"]).replace("|", "\\|")
    return NOT_DEFINED.get((cell.system, cell.track), NOT_RUN)


def comparison(ours: Mapping[str, Any] | None, result: Mapping[str, Any]) -> list[str]:
    """Difference of PSNR, effect and p of ours against a system, as cells of the table."""
    if ours is None or not is_finished(ours) or result["system"] == REFERENCE:
        return ["-"] * 3
    paired = compare(ours, result)
    difference = value_text({"mean": paired.difference, "ci95": paired.ci95}, ".2f")
    return [difference, f"{paired.effect:+.2f}", "-" if paired.p is None else f"{paired.p:.2g}"]


def training(system: str, result: Mapping[str, Any]) -> list[str]:
    """Slices that were trained on, and what the validation PSNR gained in the last quarter of that."""
    if system in SHIPPED:
        return ["-", "trained elsewhere"]
    gain = gain_of_last_quarter(result["validation_psnr"])
    return ["-", "none"] if gain is None else [str(result["budget"]["slice_iterations"]), f"+{gain:.2f}"]


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
        if not known:
            continue
        line = [f"{title} `{system}`", f"{known[0]['parameters']:,}"]
        for size in SIZES:
            line.append(_number((measured[size] or found.get(size, {})).get("gflop_per_slice"), ".1f"))
        line += [_number(measured[size].get("seconds_per_slice"), ".3f") for size in SIZES]
        lines.append(line)
    return markdown_table(lines)


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"


_PRECISION = {None: "not recorded", True: "bfloat16", False: "float32"}
"""Of the networks, by the ``bf16`` of a result; the first results did not have it."""


def protocol_table(results: Mapping[Cell, Mapping[str, Any]]) -> str:
    """One line a size and track with trained cells: what the systems had, several values where it was not equal."""
    lines: list[list[str]] = [
        ["size", "track", "trained cells", "slice-iterations", "epochs", "batch", "seed", "minutes of training",
         "device (threads)", "precision", "test people (slices)", "every n-th slice"]
    ]  # fmt: skip
    for size, track in product(SIZES, TRACKS):
        cells = [
            result
            for cell, result in results.items()
            if (cell.size, cell.track) == (size, track) and cell.system in LEARNED and is_finished(result)
        ]
        if not cells:
            continue
        budgets = [result["budget"] for result in cells]
        minutes = [budget["training_seconds"] / 60 for budget in budgets]
        lines.append(
            [
                size,
                track,
                str(len(cells)),
                *(_values(b[name] for b in budgets) for name in ("slice_iterations", "epochs", "batch_size")),
                _values(r["training_seed"] for r in cells),
                f"{min(minutes):.1f} to {max(minutes):.1f}",
                _values(f"{r['device']} ({r['budget']['threads']})" for r in cells),
                _values(_PRECISION[r.get("bf16")] for r in cells),
                _values(f"{r['n_people']} ({r['n_slices']})" for r in cells),
                _values(r["slice_step"] for r in cells),
            ]
        )
    return markdown_table(lines)


def _values(values: Any) -> str:
    """The one value or all of them; of more than three numbers the range."""
    found = list(dict.fromkeys(values))
    if len(found) > 3 and all(isinstance(value, int) for value in found):
        return f"{min(found)} to {max(found)}"
    return " or ".join(map(str, found))


LONGER_DIR = RESULTS_DIR / "longer"
"""Results of these trainings (``run --results_dir``)."""

LONGER_HEAD = (
    "size", "rate", "system", "the paper: PSNR / SSIM", "PSNR [dB]", "SSIM", "above zero-filled [dB]",
    "ours minus it [dB]", "effect", "p", "minutes", "training slices", "last quarter of training [dB]",
)  # fmt: skip


def longer_table(longer: Results, grid: Results) -> str:
    """One row for each finished cell, in the order of the grid.

    Args:
        longer: results of the longer trainings.
        grid: those of the grid, which have the zero-filled images of the same slices.
    """
    lines = [
        _row(cell, longer, grid)
        for track in TRACKS
        for size in SIZES
        for rate in RATES
        for cell in (Cell(system, size, rate, track) for system in SYSTEMS)
        if is_finished(longer.get(cell))
    ]
    return markdown_table([LONGER_HEAD, *lines]) if lines else "No longer training has been run."


def _row(cell: Cell, longer: Results, grid: Results) -> list[str]:
    result = longer[cell]
    ours = longer.get(Cell("ours", cell.size, cell.rate, cell.track))
    below = grid.get(Cell("zero_filled", cell.size, cell.rate, cell.track))
    track = "" if cell.track == "replica" else f", {cell.track}"
    return [
        cell.size,
        rate_text(cell.size, cell.rate) + track,
        f"`{cell.system}`" + ("" if is_flat(result["validation_psnr"]) else RISING),
        paper_numbers(cell),
        value_text(result["psnr"], ".2f"),
        value_text(result["ssim"], ".4f"),
        comparison(result, below)[0] if is_finished(below) and below is not None else "-",
        *comparison(ours, result),
        f"{result['budget']['training_seconds'] / 60:.1f}",
        *training(cell.system, result),
    ]


SUMMARY_HEAD = ("size", "rate", "zero-filled: PSNR [dB] / SSIM", "ours", "the paper", "minutes of training")


def summary_table(longer: Results, grid: Results) -> str:
    """Replica track; the longer training of ours where there is one."""
    lines: list[tuple[str, ...]] = [SUMMARY_HEAD]
    for size in SIZES:
        for rate in RATES:
            ours = Cell("ours", size, rate, "replica")
            result = longer.get(ours, grid.get(ours))
            below = grid.get(Cell("zero_filled", size, rate, "replica"))
            if result is None or below is None or not is_finished(result) or not is_finished(below):
                continue
            lines.append(
                (
                    size,
                    rate_text(size, rate),
                    _quality(below),
                    _quality(result),
                    paper_numbers(Cell("gan_resnet50", size, rate, "replica")),
                    f"{result['budget']['training_seconds'] / 60:.0f}",
                )
            )
    return markdown_table(lines)


def _quality(result: Mapping[str, Any]) -> str:
    return f"{value_text(result['psnr'], '.2f')} / {value_text(result['ssim'], '.4f')}"
