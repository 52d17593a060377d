"""Text tables of the paired evaluation: one a metric, a line a rate, comparison and method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_gan_recon.evaluation.table import markdown_table, text_table, value_text
from monai_gan_recon.metrics.segmentation import SEGMENTATION_METRICS
from monai_gan_recon.segmentation.labels import TISSUES

TITLES = {
    "dice": ("Dice", ".4f"),
    "hd95_mm": ("Hausdorff 95 % [mm]", ".2f"),
    "volume_difference_ml": ("Difference of volume [ml]", ".2f"),
}
"""Heading and format of each metric."""

AGAINST = {"original": "segmentation of the original", "labels": "reference labels"}


def paired_table(
    entries: Sequence[Mapping[str, Any]],
    metrics: Sequence[str] = SEGMENTATION_METRICS,
    markdown: bool = False,
) -> str:
    """Tables of the results of one or several protocols.

    Args:
        entries: of ``metrics.json``.
        metrics: those to show.
        markdown: Markdown tables rather than plain text.

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
                        *(_cell(value, form, signed="minus" in row) for value in values),
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


def _cell(value: Mapping[str, Any] | None, form: str, signed: bool) -> str:
    if value is None:
        return "-"
    text = value_text({"mean": value["mean"], "ci95": None}, f"+{form}" if signed else form)
    if value["ci95"] is not None:
        text += f" ± {value['ci95']:{form}}"
    return f"{text} ({value['n_infinite']} infinite)" if value["n_infinite"] else text
