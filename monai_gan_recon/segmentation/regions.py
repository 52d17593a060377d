"""Command measuring the regions of a label map: ``python -m monai_gan_recon.segmentation.regions LABELS``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from monai.data import MetaTensor

from monai_gan_recon.data.cases import case_name
from monai_gan_recon.io.images import load_label_volume
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
    array, affine = load_label_volume(path)
    try:
        values = label_values(torch.from_numpy(array[None]))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    count = np.unique(values).size
    if count > _MAX_CLASSES:
        raise ValueError(f"{path}: has {count} different values; this is an image, give a label map")
    return MetaTensor(torch.from_numpy(values[None]).int(), affine=torch.from_numpy(affine))


def main(argv: Sequence[str] | None = None) -> int:
    """Write instances, CSV and JSON of a label map; errors end the program with one line and exit code 1."""
    options = _parser().parse_args(argv)
    try:
        names = _names(options.names)
        case = options.case or case_name(options.labels)
        if not options.overwrite:
            refuse_existing_report(options.output_dir, case)
        find = Instances(options.minimum_size_mm3, options.connectivity, options.classes)
        labels = load_label_map(options.labels)
        instances = find(labels)
        files = write_region_report(
            labels, instances, options.output_dir, case, names, overwrite=options.overwrite
        )
    except (OSError, ValueError) as error:
        raise SystemExit(" ".join(str(error).split())) from None
    count = int(instances.max())
    print(f"{options.labels}: {count} instances -> " + ", ".join(str(file) for file in files.values()))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m monai_gan_recon.segmentation.regions",
        description="Number the connected components of a label map; measure volumes and boxes.",
    )
    parser.add_argument("labels", type=Path, help="label map: NIfTI, NRRD or MetaImage, whole numbers")
    parser.add_argument("--output_dir", type=Path, required=True, help="folder of the results")
    parser.add_argument("--case", help="name of the results (default: name of the file)")
    parser.add_argument(
        "--minimum_size_mm3", type=float, default=0.0, help="leave smaller components out (default 0)"
    )
    parser.add_argument("--connectivity", type=int, default=26, help="6, 18 or 26 neighbours (default 26)")
    parser.add_argument("--classes", type=int, nargs="+", help="labels to look at (default: all but 0)")
    parser.add_argument("--names", nargs="+", default=[], help="names of classes, such as 1=csf 2=gm 3=wm")
    parser.add_argument("--overwrite", action="store_true", help="replace results that exist")
    return parser


def _names(pairs: Sequence[str]) -> dict[int, str]:
    names = {}
    for pair in pairs:
        label, _, name = pair.partition("=")
        if not label.isdecimal() or not name:
            raise ValueError(f"--names {pair!r} must be a label and its name, such as 1=tumour")
        names[int(label)] = name
    return names


if __name__ == "__main__":
    raise SystemExit(main())
