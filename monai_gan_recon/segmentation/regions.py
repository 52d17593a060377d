"""The regions of a label map: what ``monai-gan-recon regions`` measures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from monai.data import MetaTensor

from monai_gan_recon.data.cases import case_name
from monai_gan_recon.data.input_check import check_affine
from monai_gan_recon.data.volume_formats import ITK, read_itk, read_nifti
from monai_gan_recon.segmentation.instances import Instances, label_values
from monai_gan_recon.segmentation.region_report import refuse_existing_report, write_region_report

_MAX_CLASSES = 500
"""Most classes of a label map; a file with more values is an image."""


def load_label_map(path: str | os.PathLike[str]) -> MetaTensor:
    """Read a label map of any classes.

    Args:
        path: NIfTI, NRRD or MetaImage file.

    Returns:
        (1, X, Y, Z), int32, with its affine.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it cannot be read, or holds no labels, see :func:`label_values`, or more than 500 classes.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; give a label map (.nii, .nii.gz, .nrrd or .mha)")
    array, affine = read_itk(path) if path.name.lower().endswith(ITK) else read_nifti(path)
    check_affine(path, affine)
    try:
        values = label_values(torch.from_numpy(array[None]))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    count = np.unique(values).size
    if count > _MAX_CLASSES:
        raise ValueError(f"{path}: has {count} different values; this is an image, give a label map")
    return MetaTensor(torch.from_numpy(values[None]).int(), affine=torch.from_numpy(affine))


def report_regions(
    labels: str | os.PathLike[str],
    output_dir: str | os.PathLike[str],
    case: str | None = None,
    minimum_size_mm3: float = 0.0,
    connectivity: int = 26,
    classes: Sequence[int] | None = None,
    names: Mapping[int, str] | None = None,
    overwrite: bool = False,
) -> tuple[int, list[Path]]:
    """Number the connected components of a label map, and write instances, CSV and JSON.

    Args:
        labels: file, see :func:`load_label_map`.
        output_dir: folder of the results.
        case: name of the results; None: the file's.
        minimum_size_mm3: see :class:`Instances`.
        connectivity: see :class:`Instances`.
        classes: see :class:`Instances`.
        names: name of each class.
        overwrite: replace results that exist.

    Returns:
        Number of instances, and the files.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no label map, an option is wrong, or results exist.
    """
    case = case or case_name(labels)
    output_dir = Path(output_dir)
    if not overwrite:
        refuse_existing_report(output_dir, case)
    find = Instances(minimum_size_mm3, connectivity, classes)
    volume = load_label_map(labels)
    instances = find(volume)
    files = write_region_report(volume, instances, output_dir, case, names or {}, overwrite=overwrite)
    return int(instances.max()), list(files.values())
