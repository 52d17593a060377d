"""Ignite handler that writes the report of each volume: of a reconstruction or a segmentation."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing
from tqdm import tqdm

from monai_gan_recon.checks import check_output_dir
from monai_gan_recon.engines.volume_writer import ResultWriter
from monai_gan_recon.errors import one_line
from monai_gan_recon.evaluation.metrics_file import versions
from monai_gan_recon.evaluation.scores import quality_table
from monai_gan_recon.report.page import preview_path, write_report
from monai_gan_recon.segmentation.instances import class_volumes
from monai_gan_recon.segmentation.labels import TISSUES
from monai_gan_recon.transforms import SlicesOfPlane


class CaseReport:
    """Write ``<case>_report.html`` and ``<case>_preview.png`` of each volume of an evaluator.

    Takes the outputs of a :class:`~monai_gan_recon.engines.evaluator.VolumeReconstructionEvaluator` that keeps the
    zero-filled volume, or of a :class:`~monai_gan_recon.segmentation.segmenter.TissueEvaluator`. A report is a view of
    the other results and replaces an older one.

    Args:
        output_dir: folder of the results.
        protocol: what the report states of how they were made; None values are left out.
        bundle_root: folder of the bundle, whose name and version are stated.
        results: writer of the other results, registered before; where it failed, there is no report, and a report
            that cannot be written is told among its failures. None: there are no other results.
        name: end of the report's file name; it ends in "report".
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        protocol: Mapping[str, Any],
        bundle_root: str | os.PathLike[str],
        results: ResultWriter | None = None,
        name: str = "report",
    ) -> None:
        self.results, self.failures, self.name = results, 0, name
        self.output_dir, self.protocol = check_output_dir(output_dir), dict(protocol)
        if results is not None:
            results.companions.append(self.files)
        metadata = Path(bundle_root) / "configs" / "metadata.json"
        bundle = json.loads(metadata.read_text(encoding="utf-8")) if metadata.is_file() else {}
        own = f"{bundle.get('name', Path(bundle_root).name)} {bundle.get('version', '')}".strip()
        self.versions = {"bundle": own} | versions()

    def files(self, case: str) -> list[Path]:
        """Report and preview of a case."""
        report = self.output_dir / f"{case}_{self.name}.html"
        return [report, preview_path(report)]

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.save)

    def _start(self) -> None:
        self.failures = 0

    def save(self, engine: Engine) -> None:
        """Write the report of the volume just done; none of one that failed."""
        output, failed = engine.state.output, [] if self.results is None else self.results.failed
        before, self.failures = self.failures, len(failed)
        if "error" in output or "finished" in output or len(failed) > before:
            return
        try:
            files = self.write(output, engine.state.batch["image"])
        except (OSError, ValueError) as failure:
            if self.results is None or (line := one_line(failure)) is None:
                raise
            failed.append(line)
            self.failures += 1
            self.results.results.pop(output["case"])  # not done: a rerun does it again
            tqdm.write(line, file=sys.stderr)
        else:
            if self.results is not None:
                self.results.results[output["case"]] += [str(file) for file in files.values()]
            tqdm.write(f"{output['case']}: report -> {files['report']}")

    def write(self, output: Mapping[str, Any], image: MetaTensor) -> dict[str, Path]:
        """Write the report of an output of the evaluator on ``image``; see :func:`write_report`."""
        case = str(output["case"])
        options, sections = (_reconstruction if "zero_filled" in output else _segmentation)(output, image)
        stated = {name: value for name, value in self.protocol.items() if value is not None}
        caution = {"Be careful": output["caution"]} if output.get("caution") else {}
        sections = caution | sections | {"Protocol": stated | sections["Protocol"], "Versions": self.versions}
        return write_report(self.files(case)[0], title=case, sections=sections, **options)


def _reconstruction(output: Mapping[str, Any], image: MetaTensor) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of the page, and its sections."""
    names = {"zero_filled": "zero_filled", "reconstruction": "pred", "reference": "label"}
    images = {name: output[key][0] for name, key in names.items() if key in output}
    count, height, width = images["reconstruction"].shape
    sampled = float(output["sampled_fraction"])
    protocol = {
        **({"Plane": output["plane"]} if output.get("plane") else {}),
        "Acceleration R": 1 / sampled,
        "Sampled": f"{100 * sampled:.3g} % of k-space",
        "Slices": f"{count}, {height} x {width} pixels",
        "Time in the network": f"{output['seconds']:.1f} s",
    }
    quality, note = _quality(output)
    options = {
        "images": images,
        "spacing": affine_to_spacing(image.affine).tolist()[1:],
        "notes": {"Quality": note},
        "subtitle": "Reconstruction beside the zero-filled image",
    }
    return options, {"Protocol": protocol, "Quality": quality}


def _segmentation(output: Mapping[str, Any], image: MetaTensor) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same."""
    volumes, axial = class_volumes(output["pred"]), SlicesOfPlane("axial")
    slices: Any = axial(MetaTensor(image.as_tensor().clone(), affine=image.affine.clone()))
    labels: Any = axial(MetaTensor(output["pred"].as_tensor().clone(), affine=image.affine.clone()))
    count, height, width = slices.shape[1:]
    options = {
        "images": {"image": slices.as_tensor()},
        "spacing": affine_to_spacing(slices.affine).tolist()[1:],
        "labels": labels.as_tensor(),
        "label_names": {label: name.upper() for label, name in TISSUES.items()},
        "subtitle": "Tissue segmentation",
    }
    sections = {
        "Tissue volumes": {name.upper(): f"{volumes.get(label, 0):.1f} ml" for label, name in TISSUES.items()},
        "Protocol": {"Slices": f"{count}, {height} x {width} pixels, axial", "Time": f"{output['seconds']:.1f} s"},
        "Quality": {"Reference": "no reference"},
    }
    return options, sections


def _quality(output: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Scores of both images, mean over the slices, and against what."""
    agreement = output["kspace_residual_complex"]
    agreement = agreement[agreement.isfinite()]
    residual = {"k-space residual": float(agreement.mean())} if len(agreement) else {}
    if "label" not in output:
        return {"Reference": "no reference", **residual}, ""
    images = {"zero_filled": output["zero_filled"], "reconstruction": output["pred"]}
    table, note = quality_table(images, output["label"], str(output["case"]))
    return {"Reference": "fully sampled image", **table, **residual}, note
