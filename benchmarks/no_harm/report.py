"""The table as JSON, as a page, and in pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.no_harm.cells import Cell
from benchmarks.no_harm.methods import CLASSICAL, ESTIMATED, TUNED, ZERO_FILLED
from benchmarks.no_harm.pictures import contact_sheet, heat_map, worst_slice
from benchmarks.no_harm.run import Run
from benchmarks.no_harm.scores import Row
from benchmarks.no_harm.statistics import summarise, verdict
from benchmarks.result_files import fill_page, write_json
from monai_gan_recon.evaluation.tables import markdown_table

MEASURES = {
    "ssim_head": ".3f",
    "nmse_head": ".4f",
    "haarpsi_head": ".3f",
    "vif_head": ".3f",
    "psnr_frame": ".1f",
}


def read_cell(run: Run, cell: Cell) -> dict[str, dict[str, Any]]:
    """Finished results of a cell by column; all of the zero-filled one's slices, or they are left out."""
    found: dict[str, dict[str, Any]] = {}
    for name in run.names(cell):
        file = run.file(cell, name)
        if file.exists():
            content = json.loads(file.read_text(encoding="utf-8"))
            if not found or [_key(r) for r in content["rows"]] == [_key(r) for r in found[ZERO_FILLED]["rows"]]:
                found[name] = content
        if name == ZERO_FILLED and not found:
            break
    return found


def _key(row: Row) -> tuple[Any, ...]:
    return row["person"], row["case"], row["slice"], row["mask"]


def report(run: Run, chosen: Sequence[Cell], ours: str, page: Path | None, results: Path | None) -> None:
    """Write ``table.json`` and the pictures into the folder of the results, and what is asked for elsewhere.

    Args:
        run: what was run where.
        chosen: cells of the table; those without results are left out.
        ours: name of the weights that are judged.
        page: Markdown page to fill; its pictures lie in ``images`` beside it.
        results: folder for another copy of ``table.json``.

    Raises:
        ValueError: if no cell has results.
    """
    cells, strips = [], []
    for cell in chosen:
        found = read_cell(run, cell)
        if not found:
            continue
        rows = {name: content["rows"] for name, content in found.items()}
        summary = _rounded(summarise(rows))
        settings = {
            name: {key: content[key] for key in ("value", "real", "iterations", "doubling_db", "edge")}
            for name, content in found.items()
            if name in CLASSICAL
        }
        cells.append({"name": cell.name, "title": cell.title, **asdict(cell), **summary, "settings": settings})
        if ours in rows:
            strips.append((cell.title, worst_slice(run, cell, rows, summary["best_classical"], ours)))
    if not cells:
        raise ValueError(f"{run.output}: no cell has results yet")
    table = {
        "ours": ours,
        "weights": {weights.name: weights.file.name for weights in run.weights},
        "slices": run.slices,
        "masks": run.masks,
        "people": run.people,
        "tuning_people": run.tuning_people,
        "verdict": _rounded({weights.name: verdict(cells, weights.name) for weights in run.weights}),
        "cells": cells,
    }
    images = run.output if page is None else page.parent / "images"
    for folder in {run.output, run.output if results is None else results}:
        write_json(folder / "table.json", table)
    heat_map(cells, images / "no_harm_table.png")
    if strips:
        contact_sheet(strips, images / "no_harm_worst.png")
    if page is not None:
        fill_page(page, parts(table))
    print(summary_line(table))


def summary_line(table: Mapping[str, Any]) -> str:
    """How each of the weights does, a line each."""
    lines = []
    for name, found in table["verdict"].items():
        if found["cells"]:
            line = f"{name}: no harm in {found['no_harm']} of {found['cells']} cells"
            if found["compared"]:
                line += (
                    f", at least the best classical method in {found['ahead']} of {found['compared']}, median lead "
                    f"{found['median_lead']:+.2f} dB, least {found['least_lead']:+.2f} dB"
                )
            lines.append(line)
    return "\n".join(lines)


def parts(table: Mapping[str, Any]) -> dict[str, str]:
    """Measured parts of the page, by the names of their markers."""
    names = list(table["weights"])
    return {
        "protocol": _protocol(table),
        "verdict": _verdict_table(table["verdict"]),
        "cells": _cells_table(table["cells"], names),
        "measures": _measures_table(table["cells"], table["ours"]),
        "settings": _settings_table(table["cells"]),
    }


def _protocol(table: Mapping[str, Any]) -> str:
    people = "all people" if table["people"] is None else f"at most {table['people']} people"
    return (
        f"Slices of each scan: {table['slices']}; draws of mask, phase and noise: {table['masks']}; {people} of a test "
        f"set; classical methods tuned on one slice each of at most {table['tuning_people']}. "
        "Where there is no number, it has not been run yet."
    )


def _verdict_table(found: Mapping[str, Mapping[str, Any]]) -> str:
    head = [
        "weights",
        "cells",
        "no harm in the mean",
        "and for 95 % of the people",
        "at least the best classical method",
    ]
    lines = [[*head, "median lead [dB]", "least lead [dB]"]]
    for name, one in found.items():
        ahead = f"{one['ahead']} of {one['compared']}"
        leads = [_text(one[key], "+.2f") for key in ("median_lead", "least_lead")]
        lines.append([name, str(one["cells"]), str(one["no_harm"]), str(one["no_harm_for_95_percent"]), ahead, *leads])
    return markdown_table(lines)


def _cells_table(cells: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    columns = [name + end for name in names for end in ("", ESTIMATED, TUNED)]
    lines = [["cell", "people (slices)", "zero-filled [dB]", "best classical method", "its gain", *columns]]
    for cell in cells:
        best = cell["best_classical"]
        line = [cell["title"], f"{cell['people']} ({cell['slices']})"]
        line.append(_mean(cell["columns"][ZERO_FILLED]["psnr_head"], ".1f"))
        line += ["-", "-"] if best is None else [best.replace("_", " "), _mean(cell["columns"][best]["gain"], "+.1f")]
        for name in columns:
            column = cell["columns"].get(name)
            line.append("-" if column is None else _gain(column))
        lines.append(line)
    return markdown_table(lines)


def _gain(column: Mapping[str, Any]) -> str:
    """Gain, lead, and the shares of people without harm and with a lead."""
    text, shares = _mean(column["gain"], "+.1f"), [column["harmless"]]
    if column.get("lead"):
        text += f" ({_text(column['lead']['mean'], '+.1f')})"
        shares.append(column["better"])
    return f"{text}, {' / '.join('-' if one is None else format(100 * one, '.0f') for one in shares)} %"


def _measures_table(cells: Sequence[Mapping[str, Any]], ours: str) -> str:
    lines = [["cell", "method", *(name.replace("_", ", ").replace("psnr", "PSNR") for name in MEASURES)]]
    for cell in cells:
        shown = [ZERO_FILLED, cell["best_classical"], ours]
        for place, name in enumerate(one for one in shown if one in cell["columns"]):
            column = cell["columns"][name]
            values = [_text(column[metric]["mean"], style) for metric, style in MEASURES.items()]
            lines.append([cell["title"] if place == 0 else "", name.replace("_", " "), *values])
    return markdown_table(lines)


def _settings_table(cells: Sequence[Mapping[str, Any]]) -> str:
    lines = [["cell", *(name.replace("_", " ") for name in CLASSICAL)]]
    for cell in cells:
        line = [cell["title"]]
        for name in CLASSICAL:
            one = cell["settings"].get(name)
            real = "" if one is None else ", real" if one["real"] else ""
            line.append(
                "-" if one is None else f"{one['value']:.2g}{real}, {one['iterations']}, {one['doubling_db']:+.2f}"
            )
        lines.append(line)
    return markdown_table(lines)


def _mean(measure: Mapping[str, float | None], style: str) -> str:
    interval = "" if measure["ci95"] is None else f" ± {_text(measure['ci95'], style.replace('+', ''))}"
    return _text(measure["mean"], style) + interval


def _text(value: float | None, style: str) -> str:
    return "-" if value is None else format(value, style)


def _rounded(content: Any) -> Any:
    """Numbers with six digits."""
    if isinstance(content, float):
        return float(f"{content:.6g}")
    if isinstance(content, Mapping):
        return {key: _rounded(value) for key, value in content.items()}
    return [_rounded(value) for value in content] if isinstance(content, list) else content
