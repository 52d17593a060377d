"""The page of volumes that are there as files: any reconstruction, segmentation or image."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing

from monai_gan_recon.checks import check_exists, check_output_dir
from monai_gan_recon.data import case_name
from monai_gan_recon.evaluation.scores import quality_table
from monai_gan_recon.io import load_label_volume, load_volume, own_plane
from monai_gan_recon.report.page import preview_path, write_report
from monai_gan_recon.segmentation.labels import check_grid
from monai_gan_recon.transforms import SlicesOfPlane

PathLike = str | os.PathLike[str]


def report_files(
    image: PathLike,
    output_dir: PathLike,
    *,
    zero_filled: PathLike | None = None,
    reference: PathLike | None = None,
    labels: PathLike | None = None,
    plane: str | None = None,
    overwrite: bool = False,
) -> dict[str, Path]:
    """Write the page of volumes, ``<name>_report.html``, and its preview.

    Args:
        image: magnitude volume, such as a reconstruction: NIfTI, DICOM folder, NRRD or MetaImage.
        output_dir: folder of the page; made if needed.
        zero_filled: another image of the same grid, to compare with.
        reference: the fully sampled image of the same grid; PSNR and SSIM are then stated.
        labels: label map of the same grid, 0 to 255.
        plane: coronal, axial or sagittal; None: the acquisition's own.
        overwrite: replace a page that exists.

    Returns:
        The files: "report" and "preview".

    Raises:
        FileNotFoundError: if a file does not exist.
        ValueError: if one cannot be read, grids differ, or the page exists.

    Example:
        >>> report_files("scan_recon.nii.gz", "pages", reference="scan.nii.gz")  # doctest: +SKIP
    """
    given = {"reconstruction": image, "zero_filled": zero_filled, "reference": reference}
    paths = {name: check_exists(path) for name, path in given.items() if path is not None}
    page = check_output_dir(output_dir) / f"{case_name(paths['reconstruction'])}_report.html"
    existing = [file for file in (page, preview_path(page)) if file.exists()]
    if existing and not overwrite:
        raise ValueError(f"{existing[0]} exists: give another output folder, or --overwrite")
    across = SlicesOfPlane(plane or own_plane(paths["reconstruction"]) or "coronal")
    volumes: dict[str, MetaTensor] = {name: load_volume(path) for name, path in paths.items()}
    first = volumes["reconstruction"]
    overlay = None if labels is None else load_label_volume(check_exists(labels))
    for path, volume in zip([*paths.values(), labels], [*volumes.values(), overlay], strict=True):
        if volume is not None:
            check_grid(volume, first, str(path))
    slices: dict[str, Any] = {name: across(volume) for name, volume in volumes.items()}
    spacing = affine_to_spacing(slices["reconstruction"].affine).tolist()[1:]
    quality, note = {"Reference": "no reference"}, ""
    if "reference" in slices:
        compared: dict[str, Any] = {name: slices[name] for name in ("zero_filled", "reconstruction") if name in slices}
        table, note = quality_table(compared, slices["reference"])
        quality = {"Reference": case_name(paths["reference"]), **table}
    count, height, width = slices["reconstruction"].shape[1:]
    return write_report(
        page,
        {name: torch.as_tensor(volume)[0] for name, volume in slices.items()},
        case_name(paths["reconstruction"]),
        spacing=spacing,
        labels=None if overlay is None else torch.as_tensor(across(overlay))[0],
        sections={
            "Images": {"Plane": across.plane, "Slices": f"{count}, {height} x {width} pixels"},
            "Quality": quality,
        },
        notes={"Quality": note},
    )
