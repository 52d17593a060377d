"""Regions of a label map as files: instances as NIfTI, their volumes and boxes as CSV and JSON."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from monai_gan_recon.atomic import atomic_paths
from monai_gan_recon.checks import check_output_dir
from monai_gan_recon.data.cases import case_name, check_case
from monai_gan_recon.errors import about
from monai_gan_recon.io import load_label_volume, save_nifti
from monai_gan_recon.segmentation.brain_mask import spacing_mm
from monai_gan_recon.segmentation.instances import (
    Instances,
    Region,
    affine_of,
    class_volumes,
    label_values,
    measure_regions,
    voxel_volume_mm3,
)

_MAX_CLASSES = 500
"""Most classes of a label map; a file with more values is an image."""

_AXES = {"box_start": "ijk", "box_stop": "ijk", "world_min": "xyz", "world_max": "xyz"}
_AXES |= {"centroid_voxel": "ijk", "centroid_world": "xyz"}


def region_files(output_dir: str | os.PathLike[str], case: str) -> dict[str, Path]:
    """What :func:`write_region_files` writes: "instances" (NIfTI), "csv" and "json"."""
    names = {"instances": "_instances.nii.gz", "csv": "_regions.csv", "json": "_regions.json"}
    return {what: Path(output_dir) / f"{case}{end}" for what, end in names.items()}


def write_region_files(
    labels: torch.Tensor,
    instances: torch.Tensor,
    files: Mapping[str, Path],
    case: str,
    names: Mapping[int, str],
) -> None:
    """Write the instances of a label map and their measures: all volumes are (1, X, Y, Z).

    The CSV has a row an instance; the JSON has the same, and the whole volume of each class in ml, small components
    included.

    Args:
        labels: label map.
        instances: its instances, see :class:`Instances`; its affine is that of the files.
        files: names to write under, see :func:`region_files`.
        case: name of the case.
        names: name of each class by its label; of others "class 1" and so on.
    """
    regions = measure_regions(instances, labels)
    report = _summary(labels, instances, regions, case, names)
    save_nifti(instances, affine_of(instances), files["instances"], getattr(instances, "meta", None))
    _write_csv(regions, names, files["csv"])
    files["json"].write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _summary(
    labels: torch.Tensor,
    instances: torch.Tensor,
    regions: Sequence[Region],
    case: str,
    names: Mapping[int, str],
) -> dict[str, Any]:
    affine = affine_of(instances)
    found = Counter(region.label for region in regions)
    classes = [
        {"label": label, "name": _name(label, names), "volume_ml": volume, "instances": found[label]}
        for label, volume in class_volumes(labels).items()
    ]
    return {
        "case": case,
        "shape": list(instances.shape[1:]),
        "spacing_mm": list(spacing_mm(instances)),
        "voxel_volume_mm3": voxel_volume_mm3(affine),
        "affine": affine.tolist(),
        "classes": classes,
        "instances": [vars(region) | {"name": _name(region.label, names)} for region in regions],
    }


def _write_csv(regions: Sequence[Region], names: Mapping[int, str], path: Path) -> None:
    columns = [f"{measure}_{axis}" for measure, axes in _AXES.items() for axis in axes]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("instance", "label", "name", "voxels", "volume_ml", *columns))
        for region in regions:
            values = [value for measure in _AXES for value in getattr(region, measure)]
            first = (region.instance, region.label, _name(region.label, names), region.voxels)
            writer.writerow((*first, *(f"{value:.10g}" for value in (region.volume_ml, *values))))


def _name(label: int, names: Mapping[int, str]) -> str:
    return names.get(label, f"class {label}")


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
    """Number the connected components of a label map, and write them and their measures: all files, or none.

    Args:
        labels: NIfTI, NRRD or MetaImage file of any classes.
        output_dir: folder of the results; made if it is not there.
        case: name of the results; None: the file's.
        minimum_size_mm3: of :class:`Instances`, as ``connectivity`` and ``classes``.
        connectivity: 6, 18 or 26.
        classes: labels to look at.
        names: name of each class.
        overwrite: replace results that exist.

    Returns:
        Number of instances, and the files, see :func:`write_region_files`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no label map (see :func:`label_values`; more than 500 classes), an option is wrong, or
            results exist.
    """
    case = case_name(labels) if case is None else check_case(case)
    files = region_files(check_output_dir(output_dir), case)
    existing = [file for file in files.values() if file.exists()]
    if existing and not overwrite:
        raise ValueError(f"{existing[0]} exists: say --overwrite to replace it, or give another --output_dir")
    find = Instances(minimum_size_mm3, connectivity, classes)
    volume = load_label_volume(labels)
    with about(labels):
        count = np.unique(label_values(volume)).size
        if count > _MAX_CLASSES:
            raise ValueError(f"has {count} different values; this is an image, give a label map")
    instances = find(volume)
    with atomic_paths(list(files.values())) as temporary:
        write_region_files(volume, instances, dict(zip(files, temporary, strict=True)), case, names or {})
    return int(instances.max()), list(files.values())
