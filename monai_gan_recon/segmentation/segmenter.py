"""Tissue segmentation of whole volumes: from Python, as an engine that takes one an iteration, and as files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.data import MetaTensor
from monai.engines import SupervisedEvaluator
from monai.inferers import Inferer
from monai.utils import MetaKeys
from torch import nn

from monai_gan_recon.bundle.values import read_config
from monai_gan_recon.engines.dicom_output import DicomOutput
from monai_gan_recon.engines.evaluator import passed_on
from monai_gan_recon.engines.runtime import check_device
from monai_gan_recon.engines.volume_writer import ResultWriter
from monai_gan_recon.errors import failed, with_causes
from monai_gan_recon.io import save_nifti
from monai_gan_recon.io.dicom import require_highdicom
from monai_gan_recon.segmentation.brain_extraction import VOLUME_ML, BrainExtraction
from monai_gan_recon.segmentation.brain_mask import BrainMask
from monai_gan_recon.segmentation.instances import Instances, class_volumes
from monai_gan_recon.segmentation.labels import BACKGROUND, TISSUES
from monai_gan_recon.segmentation.regions import region_files, write_region_files
from monai_gan_recon.segmentation.tissue_features import white_matter_depth

CONFIG = Path("configs") / "inference.yaml"
WHITE_MATTER_DEPTH = (0.08, 1.0)
"""What is believed of :func:`white_matter_depth`: T1 has 0.20 to 0.72, T2 and FLAIR taken for it -0.39 to -0.05."""


class TissueSegmenter:
    """Volume in, tissue labels on its grid out: brain, preprocessing, network (or mixture), and the way back.

    Args:
        extraction: adds ``brain_mask`` and ``brain_extraction`` to ``image`` (1, X, Y, Z); see
            :class:`.brain_extraction.ExtractBraind`.
        preprocessing: from these to ``image`` (1, X', Y', Z'), normalised, 1 mm, RAS, and ``brain_mask`` on that grid.
        network: features (1, 4, X', Y', Z') to scores of the classes (1, 4, X', Y', Z').
        inferer: feeds the image to the network.
        postprocessing: from ``image`` and ``pred``, labels (1, X', Y', Z'), to ``pred`` on the original grid; usually
            MONAI's ``Invertd``.
        device: device to compute on.
    """

    def __init__(
        self,
        extraction: Callable[[dict[str, Any]], Mapping[str, Any]],
        preprocessing: Callable[[dict[str, Any]], Mapping[str, Any]],
        network: nn.Module,
        inferer: Inferer,
        postprocessing: Callable[[dict[str, Any]], Mapping[str, Any]],
        device: torch.device | str = "cpu",
    ) -> None:
        self.extraction, self.preprocessing, self.postprocessing = extraction, preprocessing, postprocessing
        self.network, self.inferer, self.device = network.eval(), inferer, check_device(device)

    @classmethod
    def from_bundle(
        cls,
        bundle_root: str | os.PathLike[str],
        weights: str | os.PathLike[str] | None = None,
        device: torch.device | str = "cpu",
        method: str = "network",
        **options: Any,
    ) -> TissueSegmenter:
        """The segmenter that a bundle's ``inference.yaml`` describes.

        Args:
            bundle_root: folder of the bundle.
            weights: file of the network's weights; None: the bundle's own.
            device: device to compute on.
            method: "network", or "mixture" (no weights).
            options: further ones of the configuration, such as ``bias_field=False``; "a#b" are nested.

        Raises:
            FileNotFoundError: if there is no such bundle, or there are no weights.
            ValueError: for an option that the configuration does not have, or weights of another network.
        """
        file = Path(bundle_root) / CONFIG
        if not file.is_file():
            raise FileNotFoundError(f"{bundle_root}: there is no {CONFIG} in it; give the folder of a bundle")
        given = {"bundle_root": bundle_root, "device": str(device), "method": method, **options}
        parser = read_config(file, **given | ({} if weights is None else {"weights": weights}))
        segmenter = parser.get_parsed_content("segmenter")
        if not isinstance(segmenter, cls):
            raise ValueError(f"{file}: its 'segmenter' is no TissueSegmenter")
        return segmenter

    def __call__(self, image: torch.Tensor, brain: torch.Tensor | None = None) -> MetaTensor:
        """Segment a volume.

        Args:
            image: (1, X, Y, Z), magnitudes in any unit, any orientation; a plain tensor counts as RAS with 1 mm.
            brain: its brain mask (1, X, Y, Z); None: it is looked for.

        Returns:
            labels (1, X, Y, Z), uint8, see :data:`~monai_gan_recon.segmentation.TISSUES`, with the image's affine.

        Raises:
            ValueError: for an image without a brain (all 0, constant, not finite), or with a skull and no sure brain.
        """
        return self.labels(self.prepare(image, brain))[0]

    def same_scan(self, original: torch.Tensor) -> Callable[[MetaTensor], MetaTensor]:
        """A segmenter of images made of one scan, such as reconstructions: from one on its grid to its labels.

        Where the original (1, X, Y, Z) is a head with skull, the images are segmented within the brain in it; else each
        within its own foreground.
        """
        found = self._extracted(original, None)["brain_extraction"]
        return lambda image: self(image, BrainMask()(image) if found is None else found.mask)

    def prepare(self, image: torch.Tensor, brain: torch.Tensor | None = None) -> dict[str, Any]:
        """Preprocess a volume (1, X, Y, Z); the errors of the transforms come out as they were raised.

        Returns:
            what the preprocessing gives, ``brain_extraction``, and ``brain``, the mask on the grid of the volume.
        """
        extracted = self._extracted(image, brain)
        mask = extracted["brain_mask"]
        found = {"brain": mask.clone(), "brain_extraction": extracted.pop("brain_extraction")}
        return {**with_causes(self.preprocessing, extracted), **found}

    def _extracted(self, image: torch.Tensor, brain: torch.Tensor | None) -> dict[str, Any]:
        affine = image.affine.clone() if isinstance(image, MetaTensor) else torch.eye(4)
        plain = torch.as_tensor(image).as_subclass(torch.Tensor).clone()
        given: dict[str, Any] = {"image": MetaTensor(plain, affine=affine)}
        if brain is not None:
            given["brain_mask"] = MetaTensor(torch.as_tensor(brain).as_subclass(torch.Tensor).clone(), affine=affine)
        return dict(with_causes(self.extraction, given))

    def labels(self, prepared: Mapping[str, Any]) -> tuple[MetaTensor, float]:
        """Segment what :meth:`prepare` gave: labels on the original grid, and the seconds of the network stage."""
        image = prepared["image"]
        inputs = image.as_tensor()[None].to(self.device)
        start = time.perf_counter()
        with torch.inference_mode():
            scores = self.inferer(inputs, self.network)[0]
        classes = scores.argmax(0, keepdim=True).cpu()
        seconds = time.perf_counter() - start
        classes = torch.where(prepared["brain_mask"].as_tensor() > 0, classes, BACKGROUND)
        restored = self.postprocessing({"image": image, "pred": MetaTensor(classes.float())})["pred"]
        return restored.to(torch.uint8), seconds


class TissueEvaluator(SupervisedEvaluator):
    """MONAI's evaluator on volumes, each segmented by a :class:`TissueSegmenter`.

    The data loader gives one volume at a time, as a dictionary without batch axis: ``image`` (1, X, Y, Z), ``case``,
    and where known ``reference`` (labels to compare with) and ``person``. An item with ``error`` or ``finished``
    instead passes through to the handlers. With ``keep_going`` a volume that cannot be segmented becomes an ``error``,
    else a ValueError of one line. Arguments that are not said are MONAI's.

    ``engine.state.output`` holds ``image``, ``pred``, labels (1, X, Y, Z) on its grid, ``reference`` where known,
    ``case``, ``person`` (the case's name if not known), ``brain`` (the mask on that grid), ``caution`` (see
    :func:`cautions`), ``seconds`` (preprocessing and all) and ``network_seconds``; or ``error``, a line.
    """

    def __init__(
        self,
        segmenter: TissueSegmenter,
        val_data_loader: Iterable[Any],
        keep_going: bool = False,
        val_handlers: Sequence[Any] | None = None,
    ) -> None:
        super().__init__(
            device=segmenter.device,
            val_data_loader=val_data_loader,
            network=segmenter.network,
            inferer=segmenter.inferer,
            val_handlers=val_handlers,
            decollate=False,
        )
        self.segmenter, self.keep_going = segmenter, keep_going

    def _iteration(self, engine: SupervisedEvaluator, batchdata: Mapping[str, Any]) -> dict[str, Any]:
        case = str(batchdata.get("case", ""))
        output: dict[str, Any] = {"case": case, "person": str(batchdata.get("person", case))}
        if passed := passed_on(batchdata):
            return output | passed
        start = time.perf_counter()
        try:
            prepared = self.segmenter.prepare(batchdata["image"])
            labels, network_seconds = self.segmenter.labels(prepared)
        except (RuntimeError, ValueError, OSError) as error:
            name = batchdata["image"].meta.get("filename_or_obj", case)
            return output | failed(error, name, self.keep_going)
        output |= {
            "image": batchdata["image"],
            "pred": labels,
            "brain": prepared["brain"],
            "caution": cautions(
                labels,
                prepared["brain_extraction"],
                white_matter_depth(prepared["image"], prepared["brain_mask"]),
            ),
            "seconds": time.perf_counter() - start,
            "network_seconds": network_seconds,
        }
        return output | ({"reference": batchdata["reference"]} if "reference" in batchdata else {})


def cautions(labels: MetaTensor, extraction: BrainExtraction | None, white_matter: float) -> dict[str, str]:
    """What to be careful about in tissue labels (1, X, Y, Z): "Skull", "Volume", "Contrast", where there is something.

    ``extraction`` is how the brain was found in a head with skull (None: the image was taken for stripped),
    ``white_matter`` its depth, see :func:`white_matter_depth`.
    """
    result = {}
    if extraction is not None:
        result["Skull"] = f"removed, the brain has {extraction.volume_ml:.0f} ml; look at its border"
    total = sum(class_volumes(labels).values())
    if not VOLUME_ML[0] <= total <= VOLUME_ML[1]:
        result["Volume"] = (
            f"IMPLAUSIBLE, {total:.0f} ml of tissue where a whole adult brain has {VOLUME_ML[0]:.0f} to "
            f"{VOLUME_ML[1]:.0f}: a part of one, a wrong spacing, or a head with skull (--brain_extraction true)?"
        )
    if not WHITE_MATTER_DEPTH[0] <= white_matter <= WHITE_MATTER_DEPTH[1]:
        result["Contrast"] = (
            "IMPLAUSIBLE, the image does not look like T1 (or what --contrast says): white matter is not found where "
            "it lies in a brain, tissues may be swapped; for T2 or FLAIR give --method mixture --contrast t2 or flair"
        )
    return result


class LabelWriter(ResultWriter):
    """Write ``<case>_tissues.nii.gz``, uint8 (or a folder of DICOM), and print a line with the tissues' volumes.

    Further arguments are those of :class:`.volume_writer.ResultWriter`.

    Args:
        instances: also write each case's instances, boxes and volumes, see :func:`write_region_files`; None: no.
        brain_mask: also write ``<case>_brain_mask.nii.gz``, in which the tissues were looked for.

    Raises:
        ValueError: if the package that writes DICOM segmentations is not installed.
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        overwrite: bool = False,
        instances: Instances | None = None,
        dicom: DicomOutput | None = None,
        record: Mapping[str, Any] | None = None,
        brain_mask: bool = False,
    ) -> None:
        super().__init__(output_dir, overwrite, dicom, record)
        if dicom is not None:
            require_highdicom()
        self.instances, self.brain_mask = instances, brain_mask

    def results_of(self, case: str) -> dict[str, Path]:
        """What will be written for a case."""
        regions = {} if self.instances is None else region_files(self.output_dir, case)
        suffix = "" if self.dicom is not None else ".nii.gz"
        mask = {"brain_mask": self.output_dir / f"{case}_brain_mask.nii.gz"} if self.brain_mask else {}
        return {"tissues": self.output_dir / f"{case}_tissues{suffix}", **mask, **regions}

    def write(self, output: Mapping[str, Any], image: MetaTensor, files: Mapping[str, Path]) -> str:
        """Write the files; volumes and times in words."""
        case, affine = str(output["case"]), output["pred"].affine
        of_image = {key: value for key, value in image.meta.items() if key != MetaKeys.AFFINE}
        labels = MetaTensor(output["pred"].as_tensor(), affine=affine, meta=of_image)
        volumes = class_volumes(labels)
        if self.dicom is None:
            save_nifti(labels, affine, files["tissues"], image.meta)
        else:
            self.dicom.save_labels(labels, volumes, output.get("series"), files["tissues"])
        if self.brain_mask:
            save_nifti(
                MetaTensor(output["brain"].as_tensor().to(torch.uint8)),
                affine,
                files["brain_mask"],
                image.meta,
            )
        if self.instances is not None:
            write_region_files(labels, self.instances(labels), files, case, TISSUES)
        text = ", ".join(f"{name.upper()} {volumes.get(label, 0):.1f} ml" for label, name in TISSUES.items())
        seconds, of_network = output["seconds"], output["network_seconds"]
        return f"{text}; {seconds:.1f} s, of these {of_network:.1f} s in the network"
