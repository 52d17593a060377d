"""Text and Markdown tables of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_gan_recon.evaluation.metrics_file import read_metrics

COLUMNS = {
    "psnr": ("PSNR [dB]", ".2f"),
    "ssim": ("SSIM", ".4f"),
    "nmse": ("NMSE", ".2e"),
    "psnr_brain": ("PSNR brain", ".2f"),
    "ssim_brain": ("SSIM brain", ".4f"),
    "hfen": ("HFEN", ".3f"),
    "kspace_residual": ("k-space res.", ".1e"),
    "kspace_residual_complex": ("complex", ".1e"),
    "seconds_per_slice": ("s/slice", ".3f"),
}
"""Metrics of the table: heading and format. MSE and RMSE, which PSNR restates, are in the files only."""


def metrics_table(metrics: Mapping[str, Any] | str | Path, markdown: bool = False) -> str:
    """Table of a ``metrics.json``, one line a result.

    Args:
        metrics: the file's content, or its path.
        markdown: a Markdown table rather than plain text.

    Returns:
        The table; ``mean ± half width of the 95 % confidence interval``, "-" where a metric does not apply.
    """
    content = read_metrics(metrics) if isinstance(metrics, (str, Path)) else metrics
    entries = content["results"]
    header = ["data", "track", "pattern", "rate", "size", "plane", "n", "method"]
    lines = [header + [heading for heading, _ in COLUMNS.values()]]
    for entry in entries:
        size = entry["size"] if isinstance(entry["size"], str) else "x".join(str(n) for n in entry["size"])
        lines.append(
            [
                *(str(entry[key]) for key in ("dataset", "track", "pattern")),
                f"{100 * entry['rate']:.4g} %",
                size,
                entry["plane"],
                f"{entry['n_people']} / {entry['n_slices']}",
                str(entry["method"]).replace("_", "-"),
                *(value_text(entry[name], form) for name, (_, form) in COLUMNS.items()),
            ]
        )
    return markdown_table(lines) if markdown else text_table(lines)


def value_text(value: Mapping[str, float | None], form: str) -> str:
    """``{"mean", "ci95"}`` as "33.12 ± 0.41", without the interval where there is none."""
    mean, ci95 = value["mean"], value["ci95"]
    if mean is None:
        return "-"
    return f"{mean:{form}}" if ci95 is None else f"{mean:{form}} ± {ci95:{form}}"


def text_table(lines: Sequence[Sequence[str]]) -> str:
    """Aligned columns under a ruled header (the first line)."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rows = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([rows[0], "─" * max(map(len, rows)), *rows[1:]])


def markdown_table(lines: Sequence[Sequence[str]]) -> str:
    """GitHub Markdown; the first line is the header."""
    rows = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([rows[0], "|" + " --- |" * len(lines[0]), *rows[1:]])
