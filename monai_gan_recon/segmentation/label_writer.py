"""Handler that writes tissue labels as NIfTI on the grid of the image they are of, and a report of their regions."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
from ignite.engine import Engine, Events
from monai.data import MetaTensor
from tqdm import tqdm

from monai_gan_recon.data.writing import atomic_path
from monai_gan_recon.segmentation.instances import Instances
from monai_gan_recon.segmentation.labels import TISSUES
from monai_gan_recon.segmentation.region_report import label_image, region_files, write_region_report
from monai_gan_recon.segmentation.roi import class_volumes


class LabelWriter:
    """Write ``<case>_tissues.nii.gz``, uint8, and print a line with the tissues' volumes.

    Args:
        output_dir: folder of the results.
        overwrite: replace results that exist.
        instances: also write each case's instances, boxes and volumes, see :func:`write_region_report`; None: no.
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        overwrite: bool = False,
        instances: Instances | None = None,
    ) -> None:
        self.output_dir, self.overwrite, self.instances = Path(output_dir), overwrite, instances
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
        case = str(entry["case"])
        regions = () if self.instances is None else region_files(self.output_dir, case).values()
        for file in (self.file(case), *regions):
            if file.exists() and not self.overwrite:
                raise ValueError(
                    f"{file} exists: say --overwrite to replace it, or give another --output_dir"
                )

    def save(self, engine: Engine) -> None:
        """Write the labels of the volume just segmented; one that failed is reported in a line."""
        output, error = engine.state.output, engine.state.output.get("error")
        if error is None:
            try:
                tqdm.write(self._write(output))
            except OSError as failure:
                error = str(failure)
            except ValueError as failure:  # of the instances: no tissue was found
                error = f"{output['case']}: {failure}"
        if error is not None:
            self.failed.append(error)
            if engine.state.epoch_length > 1:
                tqdm.write(error, file=sys.stderr)

    def _write(self, output: Mapping[str, Any]) -> str:
        labels, case = output["pred"], str(output["case"])
        found = None if self.instances is None else self.instances(labels)
        file = save_labels(labels, self.file(case))
        if found is not None:
            write_region_report(labels, found, self.output_dir, case, TISSUES, overwrite=self.overwrite)
        volumes = class_volumes(labels)
        text = ", ".join(f"{name.upper()} {volumes.get(label, 0):.1f} ml" for label, name in TISSUES.items())
        return (
            f"{case}: {text}; {output['seconds']:.1f} s, of these {output['network_seconds']:.1f} s in the network "
            f"-> {file}"
        )

    def finish(self, engine: Engine) -> None:
        """Raise a ValueError of one line if a volume failed."""
        if self.failed:
            total = engine.state.epoch_length
            raise ValueError(
                self.failed[0] if total == 1 else f"{len(self.failed)} of {total} volumes failed"
            )


def save_labels(labels: MetaTensor, path: str | os.PathLike[str]) -> Path:
    """Write labels (1, X, Y, Z) with their affine as a NIfTI file of type uint8; complete or not at all.

    Raises:
        OSError: if it cannot be written (disk full, no permission).
    """
    with atomic_path(path) as temporary:
        nib.save(label_image(labels), temporary)
    return Path(path)
