"""The command ``report``: docs/paper_tables.md and its figures, from the committed results alone."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.paper_tables.figures import bar_chart, comparison_figure, slice_files
from benchmarks.paper_tables.grid import RATES, RESULTS_DIR, ROOT, SIZES, TRACKS, cells, nominal
from benchmarks.paper_tables.results import read_result
from benchmarks.paper_tables.tables import (
    LONGER_DIR,
    Results,
    cost_table,
    longer_table,
    protocol_table,
    result_tables,
    summary_table,
)
from benchmarks.result_files import fill_page

PAGE = ROOT / "docs" / "paper_tables.md"
RESULTS_PAGE = ROOT / "docs" / "results.md"
IMAGES = ROOT / "docs" / "images" / "paper_tables"


def report(options: argparse.Namespace) -> int:
    """Draw what figures can be drawn, then write the tables of both pages between marker comments."""
    results = read_results()
    draw(results, options.output_dir, IMAGES)
    longer = read_results(LONGER_DIR)
    fill_page(PAGE, blocks(results, longer, read_speed(), IMAGES))
    fill_page(RESULTS_PAGE, {"paper tables": summary_table(longer, results)})
    return 0


def read_results(folder: Path = RESULTS_DIR) -> Results:
    """Every result of the full grid that there is."""
    found = {cell: read_result(folder, cell) for cell in cells()}
    return {cell: result for cell, result in found.items() if result is not None}


def read_speed(folder: Path = RESULTS_DIR) -> dict[str, Any] | None:
    """Speeds measured in turn: those of the CPU if there are some, else of a GPU, else None."""
    for path in sorted(folder.glob("speed_*.json")):
        return dict(json.loads(path.read_text(encoding="utf-8")))
    return None


def draw(results: Results, output_dir: Path, images: Path) -> None:
    """Draw all figures; one whose reconstructions are not in the output folder stays as it is."""
    for size in SIZES:
        for track in TRACKS:
            bar_chart(results, size, track, images / f"bars_{size}_{track}.png")
            for rate in RATES:
                path = images / figure_name(size, rate, track)
                try:
                    files = slice_files(results, size, rate, track, output_dir)
                except FileNotFoundError as error:
                    print(f"{path.name} stays as it is: {error}")
                    continue
                if files:
                    comparison_figure(files, size, rate, track, path)


def figure_name(size: str, rate: float, track: str) -> str:
    """File of a comparison figure."""
    return f"slices_{size}_{nominal(rate)}_{track}.png"


def blocks(results: Results, longer: Results, speed: dict[str, Any] | None, images: Path) -> dict[str, str]:
    """The page's rendered parts, by the name of their markers."""
    found = {f"tables {track}": result_tables(results, track) for track in TRACKS}
    found["protocol"] = protocol_table(results)
    found["longer"] = longer_table(longer, results)
    found["cost"] = speed_caption(speed) + cost_table(results, speed)
    found["figures"] = gallery(images)
    return found


def speed_caption(speed: dict[str, Any] | None) -> str:
    """Where the seconds were measured."""
    if speed is None:
        return "Seconds of a slice: not measured yet.\n\n"
    precision = "bfloat16" if speed["bf16"] else "float32"
    return (
        f"Seconds of a slice: median of {speed['rounds']} rounds in which all systems took turns, one slice at a time, "
        f"{speed['device']}, {speed['threads']} thread(s), {precision}, torch {speed['torch']}.\n\n"
    )


def gallery(images: Path) -> str:
    """Links to the figures that there are, in the order of the tables."""
    names = [f"bars_{size}_{track}.png" for track in TRACKS for size in SIZES]
    names += [figure_name(size, rate, track) for track in TRACKS for size in SIZES for rate in RATES]
    there = [name for name in names if (images / name).exists()]
    return "\n\n".join(f"![{name[:-4].replace('_', ' ')}](images/paper_tables/{name})" for name in there) or (
        "No figure has been drawn yet."
    )
