"""Handlers that write the results of whole volumes: all files of a volume, complete, or none."""

from __future__ import annotations

import json
import logging
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.data import MetaTensor
from tqdm import tqdm

from monai_gan_recon.atomic import atomic_paths, check_name
from monai_gan_recon.checks import check_output_dir
from monai_gan_recon.engines.dicom_output import DicomOutput
from monai_gan_recon.engines.evaluator import RESIDUALS
from monai_gan_recon.errors import one_line, printable
from monai_gan_recon.io import save_nifti

logger = logging.getLogger(__name__)


class ResultWriter(ABC):
    """Write the results of each volume of an evaluator; one that fails is told in a line, the others are written.

    Args:
        output_dir: folder of the results.
        overwrite: do volumes again whose results are all there; else these are skipped, see :meth:`finished`.
        dicom: write DICOM, a folder a result; None: NIfTI.
        record: how the results are made, see :func:`.config_hash.result_record`: written beside the first result of a
            case as JSON, so that results of other options or another input are never taken for those asked for, and
            not replaced unless ``overwrite`` is given; None: nothing is known of what is there.

    Attributes:
        failed: a line for each volume that failed.
        skipped: a line for each volume that was finished before.
        results: the files (or DICOM folders) of each case that was done.
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        overwrite: bool = False,
        dicom: DicomOutput | None = None,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.output_dir, self.overwrite, self.dicom = check_output_dir(output_dir), overwrite, dicom
        self.record = record
        self.failed: list[str] = []
        self.skipped: list[str] = []
        self.results: dict[str, list[str]] = {}
        self.companions: list[Callable[[str], Sequence[Path]]] = []

    @abstractmethod
    def results_of(self, case: str) -> dict[str, Path]:
        """What will be written for a case, the main result first."""

    def files(self, case: str) -> dict[str, Path]:
        """Results of a case, and the record of how they were made."""
        results = self.results_of(case)
        if self.record is None:
            return results
        what = next(iter(results))
        return results | {"record": self.output_dir / f"{case}_{what}.json"}

    @abstractmethod
    def write(self, output: Mapping[str, Any], image: MetaTensor, files: Mapping[str, Path]) -> str:
        """Write an output of the evaluator on ``image`` to temporary files of :meth:`files`; what to print of it."""

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.save)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def start(self, _engine: Engine) -> None:
        """Forget an earlier run."""
        self.failed.clear()
        self.skipped.clear()
        self.results.clear()

    def finished(self, entry: Mapping[str, Any]) -> str | None:
        """A line if all files of this entry exist and are not to be replaced; else it is to be done, and None.

        Raises:
            ValueError: if a name is too long, the results cannot be DICOM, or there are results of another input or of
                other options, which are not to be replaced.
        """
        if self.dicom is not None:
            self.dicom.check(entry.get("series"))
        case = str(entry["case"])
        files = self.files(case)
        for file in files.values():
            check_name(file)
        existing = [file for file in files.values() if file.exists()]
        if self.overwrite or not existing:
            return None
        if self.record is not None and not self._is_of(files["record"], entry):
            raise ValueError(
                f"{existing[0]} exists, and was made of another input or with other options: give another "
                "--output_dir, or --overwrite"
            )
        companions = [file for written in self.companions for file in written(case)]
        if len(existing) < len(files) or not all(file.exists() for file in companions):
            return None
        return f"{case}: finished already, {existing[0]}; --overwrite does it again"

    def _is_of(self, file: Path, entry: Mapping[str, Any]) -> bool:
        """Whether a record says that it is of this entry and these options."""
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        wanted = {**(self.record or {}), "input": entry.get("input")}
        return isinstance(found, dict) and all(found.get(name) == wanted[name] for name in ("config_hash", "input"))

    def save(self, engine: Engine) -> None:
        """Write the files of the volume just done, all in one step, or say in a line why there are none."""
        output = engine.state.output
        error = output.get("error")
        if "finished" in output:
            self.skipped.append(output["finished"])
            tqdm.write(printable(output["finished"]))
        elif error is None:
            files, caution = self.files(str(output["case"])), output.get("caution", {})
            try:
                output = output | {"series": engine.state.batch.get("series")}
                with atomic_paths(list(files.values())) as temporary:
                    image = engine.state.batch["image"]
                    places = dict(zip(files, temporary, strict=True))
                    said = self.write(output, image, places)
                    if self.record is not None:
                        record = {**self.record, "input": engine.state.batch.get("input")}
                        if plane := output.get("plane"):
                            record["protocol"] = {**record["protocol"], "Plane": plane}
                        if caution:
                            record["caution"] = dict(caution)
                        text = json.dumps(record, indent=2, default=str) + "\n"
                        places["record"].write_text(text, encoding="utf-8")
                written = ", ".join(map(str, files.values()))
                tqdm.write(printable(f"{output['case']}: {said} -> {written}"))
                if caution:
                    words = "; ".join(f"{name.lower()}: {text}" for name, text in caution.items())
                    logger.warning("%s: take this result with care (%s)", output["case"], words)
                self.results[output["case"]] = [str(file) for file in files.values()]
            except BrokenPipeError:  # of what is printed: the files are there
                raise
            except OSError as failure:
                error = one_line(failure)
            except ValueError as failure:
                message = one_line(failure)
                if message is None:
                    raise
                error = f"{output['case']}: {message}"
        if error is not None:
            self.failed.append(error)
            if engine.state.epoch_length > 1:
                tqdm.write(printable(error), file=sys.stderr)

    @property
    def written(self) -> list[Path]:
        """All files that were written."""
        return [Path(file) for files in self.results.values() for file in files]

    def finish(self, engine: Engine) -> None:
        """Raise a ValueError of one line if a volume failed."""
        if self.failed:
            total = engine.state.epoch_length
            raise ValueError(self.failed[0] if total == 1 else f"{len(self.failed)} of {total} volumes failed")


class VolumeWriter(ResultWriter):
    """Write ``<case>_recon.nii.gz`` (or the DICOM folder ``<case>_recon``) and, on request, what helps to judge it.

    All images are magnitudes in the input's intensities, with its affine and spacing. Further arguments are those of
    :class:`ResultWriter`.

    Args:
        output_dir: folder of the results.
        postprocessing: undoes the preprocessing: gets a dictionary with ``image`` (the volume as slices, with
            its history) and ``pred`` and gives ``pred`` on the original grid; usually MONAI's ``Invertd``.
        zero_filled: also write ``<case>_zero_filled.nii.gz``.
        error_map: also write ``<case>_error.nii.gz``, the absolute difference from the fully sampled image.
        kspace_residual: also write ``<case>_kspace_residual.json``: see :func:`residuals`.
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
        record: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(output_dir, overwrite, dicom, record)
        self.postprocessing = postprocessing
        self.zero_filled, self.error_map, self.kspace_residual = zero_filled, error_map, kspace_residual

    def results_of(self, case: str) -> dict[str, Path]:
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

    def write(self, output: Mapping[str, Any], image: MetaTensor, files: Mapping[str, Path]) -> str:
        """Write the files; slices and time in words."""
        if self.error_map and "label" not in output:
            raise ValueError("--save_error_map: there is no fully sampled image to compare with (--mask, raw k-space)")
        if not output["pred"].isfinite().all():
            raise ValueError("the network's output has NaN or infinite values; use other weights, or --amp false")
        prediction = self.on_original_grid(output["pred"], image)
        self._save(prediction, output, image, files, "recon")
        if "zero_filled" in files:
            self._save(self.on_original_grid(output["zero_filled"], image), output, image, files, "zero_filled")
        if "error" in files:
            error = self.on_original_grid(output["label"], image).sub(prediction).abs_()
            self._save(error, output, image, files, "error")
        if "kspace_residual" in files:
            text = json.dumps(residuals(output), indent=2) + "\n"
            files["kspace_residual"].write_text(text, encoding="utf-8")
        count = output["pred"].shape[1]
        return f"{count} slice{'s' * (count > 1)}, {output['seconds'] / count:.3f} s per slice in network"

    def _save(
        self,
        volume: MetaTensor,
        output: Mapping[str, Any],
        image: MetaTensor,
        files: Mapping[str, Path],
        what: str,
    ) -> None:
        if self.dicom is None:
            save_nifti(volume, volume.affine, files[what], image.meta)
        else:
            self.dicom.save_volume(volume, output.get("series"), files[what], what)

    def on_original_grid(self, slices: torch.Tensor, image: MetaTensor) -> MetaTensor:
        """Slices (1, N, H, W) on the grid of the file that ``image`` is the slices of."""
        if not image.applied_operations:  # raw k-space: the slices are the image's own grid
            return MetaTensor(slices, affine=image.affine)
        result: MetaTensor = self.postprocessing({"image": image, "pred": MetaTensor(slices)})["pred"]
        return result


def residuals(output: Mapping[str, Any]) -> dict[str, Any]:
    """How well a reconstruction agrees with the measured samples, over the slices of a volume, for JSON.

    Slices without signal (under a millionth of the strongest slice) are left out.

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
