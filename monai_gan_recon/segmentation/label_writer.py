"""Handler that writes tissue labels as NIfTI on the grid of the image they are of."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.data import MetaTensor
from tqdm import tqdm

from monai_gan_recon.data.writing import atomic_path
from monai_gan_recon.segmentation.labels import TISSUES


class LabelWriter:
    """Write ``<case>_tissues.nii.gz``, uint8, and print a line with the tissues' volumes.

    Args:
        output_dir: folder of the results.
        overwrite: replace results that exist.
    """

    def __init__(self, output_dir: str | os.PathLike[str], overwrite: bool = False) -> None:
        self.output_dir, self.overwrite = Path(output_dir), overwrite
        self.failed: list[str] = []

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator."""
        engine.add_event_handler(Events.STARTED, self.failed.clear)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.save)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def file(self, case: str) -> Path:
        """What will be written for a case."""
        return self.output_dir / f"{case}_tissues.nii.gz"

    def refuse_existing(self, entry: Mapping[str, Any]) -> None:
        """Raise a ValueError if the result of this entry exists and is not to be replaced."""
        file = self.file(str(entry["case"]))
        if file.exists() and not self.overwrite:
            raise ValueError(
                f"{file} exists: say --overwrite true to replace it, or give another --output_dir"
            )

    def save(self, engine: Engine) -> None:
        """Write the labels of the volume just segmented; one that failed is reported in a line."""
        output, error = engine.state.output, engine.state.output.get("error")
        if error is None:
            try:
                file = save_labels(output["pred"], self.file(output["case"]))
                volumes = ", ".join(
                    f"{name.upper()} {ml:.1f} ml" for name, ml in volumes_ml(output["pred"]).items()
                )
                tqdm.write(
                    f"{output['case']}: {volumes}; {output['seconds']:.1f} s, of these "
                    f"{output['network_seconds']:.1f} s in the network -> {file}"
                )
            except OSError as failure:
                error = str(failure)
        if error is not None:
            self.failed.append(error)
            if engine.state.epoch_length > 1:
                tqdm.write(error, file=sys.stderr)

    def finish(self, engine: Engine) -> None:
        """End the program with a line if a volume failed."""
        if self.failed:
            total = engine.state.epoch_length
            raise SystemExit(
                self.failed[0] if total == 1 else f"{len(self.failed)} of {total} volumes failed"
            )


def save_labels(labels: MetaTensor, path: str | os.PathLike[str]) -> Path:
    """Write labels (1, X, Y, Z) with their affine as a NIfTI file of type uint8; complete or not at all.

    Raises:
        OSError: if it cannot be written (disk full, no permission).
    """
    affine = labels.affine.cpu().numpy().astype(np.float64)
    image = nib.Nifti1Image(labels.as_tensor()[0].cpu().numpy().astype(np.uint8), affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.header.set_xyzt_units("mm")
    with atomic_path(path) as temporary:
        nib.save(image, temporary)
    return Path(path)


def volumes_ml(labels: MetaTensor) -> dict[str, float]:
    """Volume of each tissue in ml, from the labels' affine in mm."""
    voxel = float(torch.linalg.det(labels.affine[:3, :3].double()).abs()) / 1000
    plain = labels.as_tensor()
    return {name: int((plain == label).sum()) * voxel for label, name in TISSUES.items()}
