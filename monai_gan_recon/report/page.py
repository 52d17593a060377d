"""One self-contained HTML page a volume: slices to compare, what was done and how well; and a picture."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import torch

from monai_gan_recon.atomic import atomic_paths
from monai_gan_recon.report.canvas import MUTED, Page
from monai_gan_recon.report.pixels import Layer, bright, encode_within, quantise

DISCLAIMER = "For research only. Not a medical device, not for diagnosis."
TITLES = {
    "zero_filled": "Zero-filled",
    "reconstruction": "Reconstruction",
    "reference": "Fully sampled",
    "image": "Image",
}
DIFFERENCE = "Difference from fully sampled"
COLOURS = ((0, 0, 0), (86, 180, 233), (230, 120, 60), (240, 228, 66), (0, 158, 115), (204, 121, 167))
"""Of labels 1, 2, ...: told apart by colour-blind readers (after Okabe and Ito)."""


def write_report(
    path: str | os.PathLike[str],
    images: Mapping[str, np.ndarray | torch.Tensor],
    title: str,
    *,
    spacing: Sequence[float] = (1.0, 1.0),
    slice_names: Sequence[str] | None = None,
    labels: np.ndarray | torch.Tensor | None = None,
    label_names: Mapping[int, str] | None = None,
    sections: Mapping[str, Mapping[str, Any]] | None = None,
    notes: Mapping[str, str] | None = None,
    subtitle: str = "",
    max_bytes: int = 15_000_000,
) -> dict[str, Path]:
    """Write ``report.html``, which needs no network, and ``preview.png`` beside it.

    Args:
        path: the page, such as "scan_report.html"; the picture is then "scan_preview.png".
        images: magnitudes (N, H, W), all of one shape and scale, of "zero_filled", "reconstruction", "reference",
            "image", one or more of these. With reconstruction and reference there is a difference map, too.
        title: name of the results; whatever it holds is shown as text.
        spacing: of rows and columns in mm, (vertical, horizontal).
        slice_names: what each of the N slices is called; None: its number.
        labels: label map (N, H, W), 0 to 255, to lay over the images.
        label_names: name of each label.
        sections: tables by their heading, such as ``{"Protocol": {"Acceleration R": 4.0}}``.
        notes: a sentence below the table of a heading.
        subtitle: a line below the title.
        max_bytes: most bytes of the page; where the volume needs more, slices are left out evenly, and the page
            says so.

    Returns:
        The files: "report" and "preview".

    Raises:
        ValueError: if there is no image, or shapes differ.
        OSError: if they cannot be written.

    Example:
        >>> files = write_report("report.html", {"reconstruction": volume}, "scan 7")  # doctest: +SKIP
    """
    path = Path(path)
    volumes = {name: _volume(images[name], name) for name in TITLES if name in images}
    if not volumes or len(volumes) != len(images):
        raise ValueError(f"{path}: images of {', '.join(TITLES)}, at least one, not of {sorted(images)}")
    overlay = None if labels is None else _volume(labels, "labels")
    shape = next(iter(volumes.values())).shape
    if slice_names is not None and len(slice_names) != shape[0]:
        raise ValueError(f"{path}: {len(slice_names)} names for {shape[0]} slices")
    for name, volume in {**volumes, **({} if overlay is None else {"labels": overlay})}.items():
        if volume.shape != shape:
            raise ValueError(f"{path}: {name} has the shape {volume.shape}, another has {shape}")
    layers = _layers(volumes)
    names = {int(label): str(name) for label, name in (label_names or {}).items()}
    if overlay is not None:
        overlay = overlay.astype(np.uint8)
        names = names or {int(label): f"class {label}" for label in np.unique(overlay) if label}

    aside = {} if overlay is None else {"labels": overlay}
    encoded, kept = encode_within(
        {**{name: layer.slices for name, layer in layers.items()}, **aside}, max_bytes - 100_000
    )
    right = "reconstruction" if "reconstruction" in layers else next(iter(layers))
    data: dict[str, Any] = {
        "size": shape[1:],
        "count": shape[0],
        "spacing": [float(mm) for mm in spacing],
        "numbers": kept,
        "names": [f"{number + 1} of {shape[0]}" if slice_names is None else slice_names[number] for number in kept],
        "layers": {
            name: {
                "title": TITLES.get(name, DIFFERENCE),
                "low": layer.low,
                "high": layer.high,
                "heat": name == "difference",
                "slices": encoded[name],
            }
            for name, layer in layers.items()
        },
        "labels": None,
        "start": {
            "left": "zero_filled" if "zero_filled" in layers else right,
            "right": right,
            "slice": len(kept) // 2 if slice_names is None else 0,
        },
    }
    if overlay is not None:
        colours = {label: _colour(label) for label in names}
        data["labels"] = {"names": names, "colours": colours, "slices": encoded["labels"]}
    stride = kept[1] - kept[0] if len(kept) > 1 else 1
    left_out = "" if len(kept) == shape[0] else f"To stay small, the page has one slice of {max(stride, 2)}."
    text = Template(files(__package__).joinpath("viewer.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        subtitle=html.escape(subtitle),
        disclaimer=DISCLAIMER,
        stride_note=left_out,
        sections="\n".join(
            _section(heading, rows, (notes or {}).get(heading)) for heading, rows in (sections or {}).items()
        ),
        data=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    )
    written = {"report": path, "preview": preview_path(path)}
    with atomic_paths(list(written.values())) as (page, picture):
        page.write_text(text, encoding="utf-8")
        _preview(picture, layers, overlay, names, spacing)
    return written


def preview_path(report: str | os.PathLike[str]) -> Path:
    """The picture beside a page: "preview.png" of "report.html", "scan_preview.png" of "scan_report.html"."""
    stem = Path(report).stem
    return Path(report).with_name((stem[:-6] if stem.endswith("report") else f"{stem}_") + "preview.png")


def _volume(volume: np.ndarray | torch.Tensor, name: str) -> np.ndarray:
    array = np.asarray(volume.detach().cpu() if isinstance(volume, torch.Tensor) else volume)
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.ndim != 3 or not array.size or np.iscomplexobj(array):
        raise ValueError(f"a report shows magnitudes (N, H, W); {name} has {array.dtype}, shape {array.shape}")
    return array


def _layers(volumes: Mapping[str, np.ndarray]) -> dict[str, Layer]:
    """Images on one scale, and the difference on its own."""
    high = bright(volumes.get("reference", volumes.get("reconstruction", next(iter(volumes.values())))))
    layers = {name: quantise(volume, high) for name, volume in volumes.items()}
    if "reference" in volumes and "reconstruction" in volumes:
        difference = volumes["reconstruction"] - volumes["reference"]
        np.abs(difference, out=difference)  # in place: volumes are large
        layers["difference"] = quantise(difference, bright(difference, 99.5))
    return layers


def _colour(label: int) -> tuple[int, int, int]:
    return COLOURS[1 + (label - 1) % (len(COLOURS) - 1)]


def _section(heading: str, rows: Mapping[str, Any], note: str | None) -> str:
    body = "".join(
        f'<tr><th scope="row">{html.escape(str(name))}</th><td>{html.escape(_text(value))}</td></tr>'
        for name, value in rows.items()
    )
    below = f"<p>{html.escape(note)}</p>" if note else ""
    return f'<section class="card"><h2>{html.escape(heading)}</h2><table>{body}</table>{below}</section>'


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _preview(
    path: Path,
    layers: Mapping[str, Layer],
    overlay: np.ndarray | None,
    names: Mapping[int, str],
    spacing: Sequence[float],
) -> None:
    """The middle slice of each image, and of the segmentation, side by side."""
    middle = len(next(iter(layers.values())).slices) // 2
    panels: list[tuple[str, np.ndarray, dict[str, Any]]] = []
    for name, layer in layers.items():
        if name != "reference":
            options: dict[str, Any] = {
                "cmap": "inferno" if name == "difference" else "gray",
                "vmin": 0,
                "vmax": 255,
            }
            panels.append((TITLES.get(name, DIFFERENCE), layer.slices[middle], options))
    if overlay is not None:
        image = np.repeat(panels[0][1][..., None].astype(np.float32), 3, axis=-1)
        for label in names:
            where = overlay[middle] == label
            image[where] = 0.55 * image[where] + 0.45 * np.array(_colour(label))
        panels.append(("Segmentation", image.astype(np.uint8), {}))
    height, width = panels[0][1].shape[:2]
    ratio = min(max(height * spacing[0] / (width * spacing[1]), 0.3), 3)
    side, gap, head = 3.6, 0.12, 0.4
    page = Page(gap + len(panels) * (side + gap), head + side * ratio + 0.42)
    for number, (caption, image, options) in enumerate(panels):
        left = gap + number * (side + gap)
        page.text(left, head / 2, caption, size=12, weight="bold")
        axes = page.panel(left, head, side, side * ratio)
        axes.imshow(image, **options, interpolation="lanczos", aspect="auto")
    if overlay is not None and len(names) < 4 and all(len(name) < 5 for name in names.values()):  # beside the caption
        for number, (label, name) in enumerate(reversed(list(names.items()))):
            place = (page.width - gap - 0.5 * number, head / 2)
            page.text(*place, name, size=9, ha="right", color=f"#{bytes(_colour(label)).hex()}")
    page.text(gap, head + side * ratio + 0.22, DISCLAIMER, size=8.5, color=MUTED)
    page.save(path)
