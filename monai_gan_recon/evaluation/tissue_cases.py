"""Scans with reference labels, for the evaluation of tissue segmentation."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms import Transform

from monai_gan_recon.data import with_cases
from monai_gan_recon.evaluation.paired.reference import reference_labels
from monai_gan_recon.io import LoadVolume
from monai_gan_recon.segmentation.labelled_volumes import labelled_entries


def tissue_cases(
    datalist: str | os.PathLike[str],
    dataset_dir: str | os.PathLike[str] | None = None,
    section: str = "testing",
) -> list[dict[str, Any]]:
    """Entries of one split of a manifest, each with labels, and with a ``case``, a name of its own.

    Args:
        datalist: name of a manifest or a JSON file.
        dataset_dir: folder of its files; None: as the manifest says.
        section: "training", "validation" or "testing".

    Raises:
        ValueError: if there are none, or an entry has no labels.
        FileNotFoundError: if a file is missing.
    """
    return with_cases(labelled_entries(datalist, dataset_dir, section))


class LoadCase(Transform):
    """Entry of a manifest to its ``image`` (1, X, Y, Z), the ``reference`` labels, ``case`` and ``person``."""

    def __init__(self) -> None:
        self.loader = LoadVolume()

    def __call__(self, entry: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Read a scan and its labels.

        Raises:
            ValueError: if one cannot be read, or the labels do not fit the image.
        """
        named = {str(key): value for key, value in entry.items()}
        image = self.loader(named["image"])
        reference = reference_labels(named, image)
        return {"image": image, "reference": reference, "case": named["case"], "person": named["person"]}
