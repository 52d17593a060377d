"""Handlers that write the results of whole volumes: complete files, none of them over an older one unasked."""

from __future__ import annotations

import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.data import MetaTensor
from tqdm import tqdm

from monai_gan_recon.checks import check_output_dir
from monai_gan_recon.engines.dicom_output import DicomOutput
from monai_gan_recon.engines.evaluator import RESIDUALS
from monai_gan_recon.errors import one_line
from monai_gan_recon.io.writing import atomic_path, save_nifti


class ResultWriter(ABC):
    """Write the results of each volume of an evaluator; one that fails is told in a line, the others are written.

    Args:
        output_dir: folder of the results.
        overwrite: replace results that exist.
        dicom: write DICOM, a folder a result; None: NIfTI.
    """

    def __init__(
        self, output_dir: str | os.PathLike[str], overwrite: bool = False, dicom: DicomOutput | None = None
    ) -> None:
        self.output_dir, self.overwrite, self.dicom = check_output_dir(output_dir), overwrite, dicom
        self.failed: list[str] = []

    @abstractmethod
    def files(self, case: str) -> dict[str, Path]:
        """What will be written for a case."""

    @abstractmethod
    def write(self, output: Mapping[str, Any], image: MetaTensor) -> str:
        """Write the files of an output of the evaluator on ``image``; what to print of it."""

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator."""
        engine.add_event_handler(Events.STARTED, self.failed.clear)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.save)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def refuse_existing(self, entry: Mapping[str, Any]) -> None:
        """Raise a ValueError if a result of this entry exists and is not to be replaced, or cannot be DICOM."""
        if self.dicom is not None:
            self.dicom.check(entry.get("series"))
        existing = [file for file in self.files(str(entry["case"])).values() if file.exists()]
        if existing and not self.overwrite:
            raise ValueError(
                f"{existing[0]} exists: say --overwrite to replace it, or give another --output_dir"
            )

    def save(self, engine: Engine) -> None:
        """Write the results of the volume just done, or say in a line why there are none."""
        output = engine.state.output
        error = output.get("error")
        if error is None:
            try:
                output = output | {"series": engine.state.batch.get("series")}
                tqdm.write(f"{output['case']}: {self.write(output, engine.state.batch['image'])}")
            except OSError as failure:
                error = str(failure)
            except ValueError as failure:
                message = one_line(failure)
                if message is None:
                    raise
                error = f"{output['case']}: {message}"
        if error is not None:
            self.failed.append(error)
            if engine.state.epoch_length > 1:
                tqdm.write(error, file=sys.stderr)

    def finish(self, engine: Engine) -> None:
        """Raise a ValueError of one line if a volume failed."""
        if self.failed:
            total = engine.state.epoch_length
            raise ValueError(
                self.failed[0] if total == 1 else f"{len(self.failed)} of {total} volumes failed"
            )


class VolumeWriter(ResultWriter):
    """Write ``<case>_recon.nii.gz`` (or the DICOM folder ``<case>_recon``) and, on request, what helps to judge it.

    All images are magnitudes in the input's intensities, with its affine and spacing.

    Args:
        output_dir: folder of the results.
        postprocessing: undoes the preprocessing: gets a dictionary with ``image`` (the volume as slices, with
            its history) and ``pred`` and gives ``pred`` on the original grid; usually MONAI's ``Invertd``.
        zero_filled: also write ``<case>_zero_filled.nii.gz``.
        error_map: also write ``<case>_error.nii.gz``, the absolute difference from the fully sampled image.
        kspace_residual: also write ``<case>_kspace_residual.json``: see :func:`residuals`.
        overwrite: replace results that exist.
        dicom: write the images as derived MR series, ``<case>_recon`` and so on; None: as NIfTI.
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        postprocessing: Callable[[dict[str, Any]], Mapping[str, Any]],
        zero_filled: bool = False,
        error_map: bool = False,
        kspace_residual: bool = False,
        overwrite: bool = False,
        dicom: DicomOutput | None = None,
    ) -> None:
        super().__init__(output_dir, overwrite, dicom)
        self.postprocessing = postprocessing
        self.zero_filled, self.error_map, self.kspace_residual = zero_filled, error_map, kspace_residual

    def files(self, case: str) -> dict[str, Path]:
        """What will be written for a case."""
        suffix = "" if self.dicom is not None else ".nii.gz"
        names = {"recon": suffix}
        if self.zero_filled:
            names["zero_filled"] = suffix
        if self.error_map:
            names["error"] = suffix
        if self.kspace_residual:
            names["kspace_residual"] = ".json"
        return {what: self.output_dir / f"{case}_{what}{suffix}" for what, suffix in names.items()}

    def write(self, output: Mapping[str, Any], image: MetaTensor) -> str:
        """Write the files; slices, time and files in words."""
        files = self.files(output["case"])
        if self.error_map and "label" not in output:
            raise ValueError(
                "--save_error_map: there is no fully sampled image to compare with (--mask, raw k-space)"
            )
        prediction = self._original(output["pred"], image)
        self._save(prediction, output, files, "recon")
        if "zero_filled" in files:
            self._save(self._original(output["zero_filled"], image), output, files, "zero_filled")
        if "error" in files:
            error = self._original(output["label"], image).sub_(prediction).abs_()
            self._save(error, output, files, "error")
        if "kspace_residual" in files:
            with atomic_path(files["kspace_residual"]) as temporary:
                temporary.write_text(json.dumps(residuals(output), indent=2) + "\n", encoding="utf-8")
        count = output["pred"].shape[1]
        written = ", ".join(map(str, files.values()))
        return f"{count} slices, {output['seconds'] / count:.3f} s per slice in network -> {written}"

    def _save(
        self, volume: MetaTensor, output: Mapping[str, Any], files: Mapping[str, Path], what: str
    ) -> None:
        if self.dicom is None:
            save_nifti(volume, volume.affine, files[what])
        else:
            self.dicom.save_volume(volume, output.get("series"), files[what], what)

    def _original(self, slices: torch.Tensor, image: MetaTensor) -> MetaTensor:
        if not image.applied_operations:  # raw k-space: the slices are the image's own grid
            return MetaTensor(slices, affine=image.affine)
        result: MetaTensor = self.postprocessing({"image": image, "pred": MetaTensor(slices)})["pred"]
        return result


def residuals(output: Mapping[str, Any]) -> dict[str, Any]:
    """How well a reconstruction agrees with the measured samples, over the slices of a volume.

    Slices without signal (under a millionth of the strongest slice) are left out.

    Args:
        output: of :class:`monai_gan_recon.engines.evaluator.VolumeReconstructionEvaluator`.

    Returns:
        number of slices, measured fraction of k-space, and mean and largest value of each of
        :data:`monai_gan_recon.engines.evaluator.RESIDUALS`; None where there is none.
    """
    some = output["strength"] > 1e-6 * output["strength"].max()
    result: dict[str, Any] = {"slices": int(some.sum()), "measured_fraction": output["sampled_fraction"]}
    for name in RESIDUALS:
        values = output[name][some]
        values = values[values.isfinite()]
        result[name] = {"mean": float(values.mean()), "max": float(values.max())} if len(values) else None
    return result
