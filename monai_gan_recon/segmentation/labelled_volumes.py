"""Labelled volumes of a data manifest: their entries, and the labels of whatever kind a manifest gives."""

from __future__ import annotations

import logging
import os
from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from monai_gan_recon.data import load_manifest
from monai_gan_recon.io import LoadVolume
from monai_gan_recon.segmentation.labels import GRID_TOLERANCE, LoadLabels, check_labels, labels_of_maps

logger = logging.getLogger(__name__)

MAPS = ("gray_matter", "white_matter")
"""Keys of a manifest's entry whose files are probability maps, in place of ``label``."""


def labelled_entries(
    datalist: str | os.PathLike[str],
    dataset_dir: str | os.PathLike[str] | None = None,
    section: str = "training",
) -> list[dict[str, Any]]:
    """Entries of one split of a manifest, each with labels, or maps of gray and white matter.

    Args:
        datalist: name of a manifest or a JSON file.
        dataset_dir: folder of its files; None: as the manifest says.
        section: "training", "validation" or "testing".

    Raises:
        ValueError: if there are none, or an entry has no labels.
        FileNotFoundError: if a file is missing.
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
    return entries


def validation_entries(
    datalist: str | os.PathLike[str], dataset_dir: str | os.PathLike[str] | None = None
) -> list[dict[str, Any]]:
    """Labelled entries to choose a model by: for validation or, with a warning, of training if there are none.

    Args:
        datalist: see :func:`labelled_entries`.
        dataset_dir: see :func:`labelled_entries`.

    Raises:
        ValueError: see :func:`labelled_entries`.
        FileNotFoundError: see :func:`labelled_entries`.
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
    return "label" in entry or all(key in entry for key in MAPS)


class LoadTissueLabelsd(Transform):
    """Add the tissue labels of a loaded image: of the file ``label``, or made of gray and white matter maps.

    Args:
        image_key: key of the image, loaded already.
        label_key: key of the labels' path, which becomes labels (1, X, Y, Z), uint8, on the image's grid.
    """

    def __init__(self, image_key: str = "image", label_key: str = "label") -> None:
        self.image_key, self.label_key = image_key, label_key
        self.load_labels = LoadLabels()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load the labels.

        Raises:
            ValueError: if they do not fit the image, see :func:`~monai_gan_recon.segmentation.check_labels`.
        """
        result = dict(data)
        image = result[self.image_key]
        if self.label_key in result:
            result[self.label_key] = self.load_labels(result[self.label_key], image)
            return result
        result[self.label_key] = load_labels_of_maps({key: result.pop(key) for key in MAPS}, image)
        check_labels(result[self.label_key], image)
        return result


def load_labels_of_maps(files: Mapping[str, Any], image: MetaTensor) -> MetaTensor:
    """Read maps of gray and white matter, and make labels of them, see :func:`labels_of_maps`.

    Args:
        files: paths under the keys ``MAPS``.
        image: (1, X, Y, Z), which the maps must fit.

    Returns:
        Labels of the image's shape, affine and metadata, uint8.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a map cannot be read, or has another size or affine than the image.
    """
    load = LoadVolume()
    maps = [load(files[key]) for key in MAPS]
    for key, volume in zip(MAPS, maps, strict=True):
        same_size = volume.shape == image.shape
        if not same_size or not torch.allclose(volume.affine, image.affine, rtol=0, atol=GRID_TOLERANCE):
            raise ValueError(
                f"{files[key]}: lies on another grid than the image (another {'affine' if same_size else 'size'}); "
                "give a map on its grid"
            )
    labels = labels_of_maps(*(volume.numpy() for volume in (*maps, image)))
    return MetaTensor(torch.from_numpy(labels), meta=dict(image.meta))
