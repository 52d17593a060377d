"""Tissue labels: what each number means, the labelled volumes of a manifest, and labels that fit their image."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from monai_gan_recon.data import load_manifest, with_cases
from monai_gan_recon.io import load_label_volume, load_volume

logger = logging.getLogger(__name__)

TISSUES: dict[int, str] = {1: "csf", 2: "gm", 3: "wm"}
"""Name of each tissue by its label: cerebrospinal fluid, gray matter, white matter."""

BACKGROUND = 0
"""Label of everything else."""

NUM_CLASSES = len(TISSUES) + 1
"""Channels of a network's output: background first, then the tissues in the order of their labels."""

GRID_TOLERANCE = 1e-3
"""Largest difference between the affines of an image and its labels, in mm (NIfTI keeps them in float32)."""

MAPS = ("gray_matter", "white_matter")
"""Keys of a manifest's entry whose files are probability maps, in place of ``label``."""

TISSUES_OF_MAPS = {number: tissue for number, tissue in TISSUES.items() if tissue in ("gm", "wm")}
"""Tissues that the maps define; what is neither may be CSF, dura or anything else."""


@dataclass(frozen=True)
class ReferenceLabels:
    """Labels that a segmentation is compared with.

    Attributes:
        labels: (1, X, Y, Z), uint8, on the image's grid.
        tissues: name of each label that they define.
    """

    labels: MetaTensor
    tissues: Mapping[int, str]


def labelled_entries(
    datalist: str | os.PathLike[str],
    dataset_dir: str | os.PathLike[str] | None = None,
    section: str = "training",
) -> list[dict[str, Any]]:
    """Entries of one split of a manifest, each with labels, or maps of gray and white matter, and a ``case``.

    Errors are those of :meth:`Manifest.section`, and a ValueError for an entry without labels.
    """
    manifest = load_manifest(datalist, dataset_dir)
    # MONAI's Spacingd takes any key that begins with "image_" for metadata
    entries = [{k: v for k, v in e.items() if not k.endswith("_sha256")} for e in manifest.section(section)]
    for entry in entries:
        if not has_labels(entry):
            raise ValueError(
                f"manifest {manifest.name!r}: {entry['image']} has no tissue labels; give each entry a 'label', or "
                f"{' and '.join(repr(key) for key in MAPS)} maps"
            )
    return with_cases(entries)


def validation_entries(
    datalist: str | os.PathLike[str], dataset_dir: str | os.PathLike[str] | None = None
) -> list[dict[str, Any]]:
    """Labelled entries to choose a model by: for validation or, with a warning, of training if there are none.

    Errors are those of :func:`labelled_entries`.
    """
    manifest = load_manifest(datalist, dataset_dir)
    if any(map(has_labels, manifest.validation)):
        return labelled_entries(datalist, dataset_dir, "validation")
    logger.warning(
        "manifest %s has no labelled validation images: the best model is chosen on its training people, which says "
        "nothing of how it does on others",
        manifest.name,
    )
    return labelled_entries(datalist, dataset_dir, "training")


def has_labels(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a manifest names labels, or maps to make them of."""
    return bool(entry.get("label")) or all(entry.get(key) for key in MAPS)


def reference_labels(entry: Mapping[str, Any], image: MetaTensor) -> ReferenceLabels | None:
    """Labels of an ``image`` (1, X, Y, Z): an entry's file ``label``, or else its ``gray_matter`` and ``white_matter``.

    Returns:
        The labels, or None if the entry of the manifest names none.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: in one line, if labels have another size or affine than the image, or a value that is no label.
    """
    if entry.get("label"):
        labels = load_label_volume(entry["label"])
        check_grid(labels, image, entry["label"])
        check_labels(labels, entry["label"])
        return ReferenceLabels(labels.to(torch.uint8), TISSUES)
    if not has_labels(entry):
        return None
    maps = [load_volume(entry[key]) for key in MAPS]
    for key, volume in zip(MAPS, maps, strict=True):
        check_grid(volume, image, entry[key])
    likeliest = torch.from_numpy(labels_of_maps(*(volume.numpy() for volume in (*maps, image))))
    return ReferenceLabels(MetaTensor(likeliest, meta=dict(image.meta)), TISSUES_OF_MAPS)


class LoadTissueLabelsd(Transform):
    """Add ``label`` (1, X, Y, Z), uint8, to a loaded ``image``: of that file, or of gray and white matter maps."""

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Load the labels; errors as of :func:`reference_labels`, and a ValueError if there are none."""
        reference = reference_labels(data, data["image"])
        if reference is None:
            raise ValueError(f"{_file_of(data['image'], 'the image')}: has no tissue labels")
        return {key: value for key, value in data.items() if key not in MAPS} | {"label": reference.labels}


class LoadCase(Transform):
    """Entry of a manifest to its ``image`` (1, X, Y, Z), the ``reference`` labels, ``case`` and ``person``."""

    def __call__(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Read a scan and its labels; errors as of :func:`reference_labels`."""
        image = load_volume(entry["image"])
        reference = reference_labels(entry, image)
        return {"image": image, "reference": reference, "case": entry["case"], "person": entry["person"]}


def check_labels(labels: torch.Tensor, name: str | os.PathLike[str]) -> None:
    """Raise a ValueError, with this name, unless a label map (1, X, Y, Z) holds tissue labels 0 to 3, not only 0."""
    values = torch.unique(labels.as_subclass(torch.Tensor)).tolist()
    wrong = [value for value in values if value != BACKGROUND and value not in TISSUES]
    if wrong:
        known = ", ".join(f"{label} {tissue}" for label, tissue in TISSUES.items())
        raise ValueError(
            f"{name}: has the value {wrong[0]:g}, which is no tissue label; known are 0 background, {known}"
        )
    if values == [BACKGROUND]:
        raise ValueError(f"{name}: has no tissue at all (every label is 0)")


def check_grid(volume: torch.Tensor, image: torch.Tensor, name: str | os.PathLike[str]) -> None:
    """Raise a ValueError unless a volume has the image's shape and, where both are MetaTensors, its affine."""
    other = _file_of(image, "the image")
    if tuple(volume.shape) != tuple(image.shape):
        raise ValueError(f"{name}: has {_text(volume)} voxels, but {other} has {_text(image)}; give one on its grid")
    if isinstance(volume, MetaTensor) and isinstance(image, MetaTensor):
        difference = float((volume.affine - image.affine).abs().max())
        if not difference <= GRID_TOLERANCE:
            raise ValueError(
                f"{name}: its affine differs from that of {other} (by up to {difference:.3g}); give one on its grid"
            )


def labels_of_maps(gray: np.ndarray, white: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Tissue labels, uint8, from probability maps of gray and white matter and the stripped image that they are of.

    Inside the head (where the image, or a map, is above 0) the likeliest of gray matter, white matter and the
    rest, which is taken as cerebrospinal fluid. All are of one shape.
    """
    rest = np.clip(1.0 - gray - white, 0.0, 1.0)
    likeliest = np.argmax(np.stack([rest, gray, white]), axis=0) + 1
    inside = (image > 0) | (gray > 0.5) | (white > 0.5)
    return np.where(inside, likeliest, BACKGROUND).astype(np.uint8)


def _file_of(volume: torch.Tensor, default: str) -> str:
    name = volume.meta.get("filename_or_obj") if isinstance(volume, MetaTensor) else None
    return str(name) if name else default


def _text(volume: torch.Tensor) -> str:
    return " x ".join(str(n) for n in volume.shape[1:])
