"""Results as tables, in plain text or Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_gan_recon.metrics.conventions import MIN_FOREGROUND
from monai_gan_recon.metrics.segmentation import SEGMENTATION_METRICS
from monai_gan_recon.segmentation.labels import TISSUES

TITLES = {
    "dice": ("Dice", ".4f"),
    "hd95_mm": ("Hausdorff 95 % [mm]", ".2f"),
    "volume_difference_ml": ("Difference of volume [ml]", ".2f"),
}
"""Heading and format of each metric."""

AGAINST = {"original": "segmentation of the original", "labels": "reference labels"}

COLUMNS = {
    "psnr": ("PSNR [dB]", ".2f"),
    "ssim": ("SSIM", ".4f"),
    "nmse": ("NMSE", ".2e"),
    "psnr_brain": ("PSNR brain", ".2f"),
    "ssim_brain": ("SSIM brain", ".4f"),
    "hfen": ("HFEN", ".3f"),
    "kspace_residual": ("k-space res.", ".1e"),
    "kspace_residual_complex": ("complex", ".1e"),
    "chi_squared": ("χ²", ".2f"),
    "seconds_per_slice": ("s/slice", ".3f"),
}
"""Metrics of the table: heading and format. MSE and RMSE, which PSNR restates, are in the files only."""

WITHOUT_INTERVAL = ("nmse", "kspace_residual", "kspace_residual_complex", "chi_squared", "seconds_per_slice")
"""Metrics whose confidence interval is in the files only."""


def metrics_table(entries: Sequence[Mapping[str, Any]], markdown: bool = False) -> str:
    """Table of entries of ``metrics.json``, one line each; what all of them share stands above it, notes below.

    Returns:
        The table; ``mean ± half width of the 95 % confidence interval``, "-" where a metric does not apply.
    """
    protocols = [protocol_cells(entry) for entry in entries]
    names = list(protocols[0]) if protocols else []
    shared = [name for name in names if len({cells[name] for cells in protocols}) == 1]
    varied = [name for name in names if name not in shared]
    lines = [[*varied, "rate", "method", *(heading for heading, _ in COLUMNS.values())]]
    for entry, cells in zip(entries, protocols, strict=True):
        lines.append(
            [
                *(cells[name] for name in varied),
                f"{100 * entry['rate']:.4g} %",
                str(entry["method"]).replace("_", "-"),
                *(metric_cell(entry[name], name) for name in COLUMNS),
            ]
        )
    table = markdown_table(lines) if markdown else text_table(lines)
    caption = ", ".join(protocols[0][name] for name in shared)
    notes = dict.fromkeys(f"- {note}" for entry in entries for note in entry.get("notes", ()))
    return "\n\n".join(part for part in (caption, table, "\n".join(notes)) if part)


def value_text(value: Mapping[str, float | None], form: str) -> str:
    """``{"mean", "ci95"}`` as "33.12 ± 0.41", without the interval where there is none; a sign is the mean's alone."""
    mean, ci95 = value["mean"], value["ci95"]
    if mean is None:
        return "-"
    return f"{mean:{form}}" if ci95 is None else f"{mean:{form}} ± {ci95:{form.lstrip('+')}}"


def text_table(lines: Sequence[Sequence[str]]) -> str:
    """Aligned columns under a ruled header (the first line)."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rows = ["  ".join(cell.ljust(n) for cell, n in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([rows[0], "─" * max(map(len, rows)), *rows[1:]])


def markdown_table(lines: Sequence[Sequence[str]]) -> str:
    """GitHub Markdown; the first line is the header."""
    rows = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([rows[0], "|" + " --- |" * len(lines[0]), *rows[1:]])


def protocol_cells(entry: Mapping[str, Any]) -> dict[str, str]:
    """What the table says of a protocol, by heading."""
    size = entry["size"] if isinstance(entry["size"], str) else "x".join(str(n) for n in entry["size"])
    track = f"{entry['track']} track"
    if entry["track"] == "simulated" and entry.get("snr") is not None:
        track += f" (SNR {entry['snr']:g})"
    if entry["track"] == "replica" and entry.get("hermitian"):
        track += ", Hermitian completion"
    pattern = str(entry["pattern"])
    if entry.get("axis") not in (None, -1):
        pattern += f" along axis {entry['axis']}"
    if entry.get("seed") not in (None, 0):
        pattern += f", seed {entry['seed']}"
    foreground = entry.get("min_foreground")
    filtered = "" if foreground in (None, MIN_FOREGROUND) else f", brain on at least {foreground:.4g} of each"
    people = "person" if entry["n_people"] == 1 else "people"
    return {
        "data": str(entry["dataset"]),
        "track": track,
        "pattern": pattern,
        "slices": f"{entry['plane']} {size}{filtered}",
        "n": f"{entry['n_slices']} slices of {entry['n_people']} {people}",
    }


def metric_cell(value: Mapping[str, float | None], name: str) -> str:
    """A metric's value as the table has it."""
    form = COLUMNS[name][1]
    return value_text({**value, "ci95": None} if name in WITHOUT_INTERVAL else value, form)


def paired_table(
    entries: Sequence[Mapping[str, Any]],
    metrics: Sequence[str] = SEGMENTATION_METRICS,
    markdown: bool = False,
) -> str:
    """Tables of what one or several protocols do to a segmentation, one a metric.

    Returns:
        Mean ± half width of the 95 % confidence interval over people, also of the differences within people;
        "-" where a tissue is absent or not defined, and how many infinite values a mean leaves out.
    """
    parts = []
    for metric in metrics:
        title, form = TITLES[metric]
        lines = [["k-space", "compared with", "segmentation of", "people", *map(str.upper, TISSUES.values())]]
        for entry in entries:
            for row in (*entry["scores"], *entry["paired_differences"]):
                values = [row[metric].get(tissue) for tissue in TISSUES.values()]
                lines.append(
                    [
                        _sampling(entry),
                        AGAINST[row["against"]],
                        _what(row),
                        str(max((value["n"] + value["n_infinite"] for value in values if value), default=0)),
                        *(_cell(value, f"+{form}" if "minus" in row else form) for value in values),
                    ]
                )
        parts.append(f"{title}\n\n{markdown_table(lines) if markdown else text_table(lines)}")
    return "\n\n".join(parts)


def _sampling(entry: Mapping[str, Any]) -> str:
    """Rate and pattern, and the track unless it is the replica one."""
    track = "" if entry["track"] == "replica" else f", {entry['track']}, SNR {entry['snr']:g}"
    return f"{100 * entry['rate']:.4g} % {entry['pattern']}{track}"


def _what(row: Mapping[str, Any]) -> str:
    name = str(row["method"]).replace("_", "-")
    return f"{name} - {row['minus'].replace('_', '-')}" if "minus" in row else name


def tissue_table(result: Mapping[str, Any]) -> str:
    """A segmentation's result: a line of what it is of, and one a tissue."""
    caption = (
        f"{result['dataset']}, {result['method']}: {result['n_people']} people, {result['n_scans']} scans, "
        f"mean Dice {value_text(result['mean_dice'], '.4f')}; {result['seconds']['mean']:.1f} s a scan"
    )
    lines = [["tissue", *(TITLES[metric][0] for metric in SEGMENTATION_METRICS)]]
    for tissue in result["dice"]:
        cells = (_cell(result[metric][tissue], TITLES[metric][1]) for metric in SEGMENTATION_METRICS)
        lines.append([tissue.upper(), *cells])
    return f"{caption}\n\n{text_table(lines)}"


def _cell(value: Mapping[str, Any] | None, form: str) -> str:
    """A mean over people, and how many infinite values it leaves out; "-" for a tissue that is not defined."""
    text = "-" if value is None else value_text(value, form)
    return f"{text} ({value['n_infinite']} infinite)" if value and value["n_infinite"] else text
