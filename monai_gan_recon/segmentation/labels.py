"""The tissue labels: what each number means, and checks that a label map belongs to an image."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform

from monai_gan_recon.io import LoadVolume

TISSUES: dict[int, str] = {1: "csf", 2: "gm", 3: "wm"}
"""Name of each tissue by its label: cerebrospinal fluid, gray matter, white matter."""

BACKGROUND = 0
"""Label of everything else."""

NUM_CLASSES = len(TISSUES) + 1
"""Channels of a network's output: background first, then the tissues in the order of their labels."""

GRID_TOLERANCE = 1e-3
"""Largest difference between the affines of an image and its labels, in mm (NIfTI keeps them in float32)."""


def check_labels(
    labels: torch.Tensor,
    image: torch.Tensor | None = None,
    what: str | os.PathLike[str] | None = None,
    image_name: str | os.PathLike[str] | None = None,
) -> None:
    """Raise unless a label map holds tissue labels only and lies on the image's grid.

    Args:
        labels: (1, X, Y, Z), whole numbers 0 (background) to 3.
        image: (1, X, Y, Z), or None: compare with no image. Affines are compared if both are MetaTensors.
        what: file or name of the labels, for the message; default: the MetaTensor's file name.
        image_name: the same of the image.

    Raises:
        ValueError: in one line, for another size, another affine, a value that is no label, or no label at all.
    """
    name = what or _file_of(labels, "labels")
    if image is not None:
        image_name = image_name or _file_of(image, "the image")
        if tuple(labels.shape) != tuple(image.shape):
            raise ValueError(
                f"{name}: has {_text(labels)} voxels, but {image_name} has {_text(image)}; give labels on its grid"
            )
        if isinstance(labels, MetaTensor) and isinstance(image, MetaTensor):
            difference = float((labels.affine - image.affine).abs().max())
            if not difference <= GRID_TOLERANCE:
                raise ValueError(
                    f"{name}: its affine differs from that of {image_name} (by up to {difference:.3g}); "
                    "give labels on its grid"
                )
    values = torch.unique(labels.as_tensor() if isinstance(labels, MetaTensor) else labels)
    wrong = [value for value in values.tolist() if value != BACKGROUND and value not in TISSUES]
    if wrong:
        known = ", ".join(f"{label} {tissue}" for label, tissue in TISSUES.items())
        raise ValueError(
            f"{name}: has the value {wrong[0]:g}, which is no tissue label; known are 0 background, {known}"
        )
    if values.numel() == 1 and values.item() == BACKGROUND:
        raise ValueError(f"{name}: has no tissue at all (every label is 0)")


def _file_of(volume: torch.Tensor, default: str) -> str:
    name = volume.meta.get("filename_or_obj") if isinstance(volume, MetaTensor) else None
    return str(name) if name else default


def _text(volume: torch.Tensor) -> str:
    return " x ".join(str(n) for n in volume.shape[1:])


class LoadLabels(Transform):
    """Path of a label map to labels (1, X, Y, Z), uint8, checked against an image by :func:`check_labels`."""

    def __init__(self) -> None:
        self.loader = LoadVolume()

    def __call__(self, path: str | os.PathLike[str], image: torch.Tensor | None = None) -> MetaTensor:
        """Read the labels of an image.

        Args:
            path: file of the labels, see :func:`monai_gan_recon.io.load_volume` for the formats.
            image: (1, X, Y, Z); None: no comparison with an image.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it cannot be read, or does not fit.
        """
        labels = self.loader(path)
        if labels.is_complex():
            raise ValueError(f"{path}: is complex; labels are whole numbers")
        check_labels(labels, image, path)
        result: MetaTensor = labels.to(torch.uint8)
        return result


class LoadLabelsd(MapTransform):
    """Dictionary version of :class:`LoadLabels`: each key's path becomes its labels.

    Args:
        keys: keys that hold paths.
        image_key: key of the image, loaded already, that they must fit.
        allow_missing_keys: skip keys that are not there.
    """

    def __init__(
        self, keys: KeysCollection, image_key: str = "image", allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.loader, self.image_key = LoadLabels(), image_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace paths by labels."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.loader(result[key], result[self.image_key])
        return result


def labels_of_maps(gray: np.ndarray, white: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Tissue labels from probability maps of gray and white matter, and the image that they are of.

    Inside the head (where the image, or a map, is above 0) the likeliest of gray matter, white matter and the
    rest, which is taken as cerebrospinal fluid.

    Args:
        gray: probability of gray matter in [0, 1], any shape.
        white: the same of white matter.
        image: skull-stripped image, 0 outside of the brain.

    Returns:
        labels of the same shape, uint8.
    """
    rest = np.clip(1.0 - gray - white, 0.0, 1.0)
    likeliest = np.argmax(np.stack([rest, gray, white]), axis=0) + 1
    inside = (image > 0) | (gray > 0.5) | (white > 0.5)
    return np.where(inside, likeliest, BACKGROUND).astype(np.uint8)
