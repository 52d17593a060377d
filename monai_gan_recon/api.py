"""Reconstruction in one call, of files, arrays and measurements; the bundle's configuration does the work."""

from __future__ import annotations

import os
import re
import tempfile
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from monai_gan_recon.bundle import open_bundle
from monai_gan_recon.data.scans import MeasuredScan
from monai_gan_recon.errors import tidy
from monai_gan_recon.measurement import KData
from monai_gan_recon.resources import RECONSTRUCTION
from monai_gan_recon.vocabulary import MIN_SLICE_SIZE

_WRITING = {
    "input", "dataset_dir", "output_dir", "overwrite", "keep_names", "format", "source_dicom", "deidentify", "report",
    "save_zero_filled", "save_error_map", "save_kspace_residual",
}  # fmt: skip
_OF_KDATA = {"use_phase", "weights", "self_ensemble", "network_def", "device", "amp", "batch_size"}


def reconstruct(
    image: str | os.PathLike[str] | nib.spatialimages.SpatialImage | np.ndarray | torch.Tensor | KData,
    *,
    bundle: str | os.PathLike[str] = RECONSTRUCTION,
    **options: Any,
) -> Any:
    """Reconstruct one volume, or some slices.

    A magnitude image is undersampled first (``rate``, ``pattern``, ``track``, ...); k-space is taken as measured,
    unless ``retrospective`` is set. Nothing is written.

    Args:
        image: a file or DICOM folder; an image of nibabel; magnitude slices as displayed, (H, W) or (N, H, W); k-space,
            complex, whose ``axes`` are stated, such as "coils,h,w" (see :func:`monai_gan_recon.io.read_raw`); or a
            measurement ``KData`` (*batch, coils, H, W), whose noise and maps are taken as they are.
        bundle: name or folder of the reconstruction bundle.
        options: options of its ``inference.yaml``, such as ``rate=0.25``, ``pattern="poisson"``, ``plane="axial"``,
            ``weights="model.pt"``, ``device="cuda:0"``; ``mask`` may be a file, an array or a tensor.

    Returns:
        Magnitudes: of a file or nibabel's image, a ``MetaTensor`` (1, X, Y, Z) with its affine (k-space: slices, H, W
        as X, Y, Z); of an array, an array of the same kind and shape, for k-space (slices, H, W), or (H, W) if ``axes``
        has no slices; of ``KData``, a tensor (*batch, H, W).

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: in one line, for options that do not exist or fit, and images that cannot be reconstructed.

    Example:
        >>> import monai_gan_recon as mgr
        >>> image = mgr.reconstruct("scan.nii.gz", rate=0.25, plane="axial")  # doctest: +SKIP
    """
    useless = sorted(_WRITING & options.keys())
    if isinstance(image, KData):
        useless += sorted(name for name in options if name.partition("#")[0] not in _OF_KDATA)
    if useless:
        raise ValueError(f"{useless[0]}: has no effect on this input, of which nothing is written; leave it out")
    if isinstance(image, KData):
        return _of_kdata(image, bundle, options)
    axes, given, array = options.get("axes"), image, None
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(options.get("mask"), (np.ndarray, torch.Tensor)):
            options["mask"] = _saved(_array(options["mask"]), folder, "mask")
        if isinstance(image, nib.spatialimages.SpatialImage):
            given = os.path.join(folder, "image.nii")
            nib.save(image, given)
        elif not isinstance(image, (str, os.PathLike)):
            array = _array(image)
            if axes is None and array.ndim > 1 and min(array.shape[-2:]) < MIN_SLICE_SIZE:
                raise ValueError(
                    f"the array has shape {array.shape}: slices come first, (N, H, W), each of at least "
                    f"{MIN_SLICE_SIZE} x {MIN_SLICE_SIZE} pixels; of X, Y, Z give np.moveaxis(array, -1, 0), or "
                    "nibabel's image itself"
                )
            given = _saved(array, folder, "array")
        try:
            result = _run(bundle, options | {"input": str(given)}, folder)
        except ValueError as error:
            ours = re.escape(folder + os.sep) + r"(\w+)\.n\w+"
            raise ValueError(re.sub(ours, r"the \1", str(error))) from None
    if array is None:
        return result
    result = result[0].as_subclass(torch.Tensor)
    if axes is None:
        result = result.reshape(array.shape)
    elif not {"slices", "readout"} & {name.strip() for name in axes.split(",")}:
        result = result[0]
    return result if isinstance(image, torch.Tensor) else result.numpy()


def _array(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


def _saved(array: np.ndarray, folder: str, name: str) -> str:
    np.save(file := os.path.join(folder, f"{name}.npy"), array)
    return file


def _of_kdata(data: KData, bundle: str | os.PathLike[str], options: dict[str, Any]) -> torch.Tensor:
    *batch, _, height, width = data.kspace.shape
    scan = MeasuredScan(data, phase=bool(options.get("use_phase", True)))
    stand_in = MetaTensor(torch.zeros(1).expand(1, *scan.size))
    objects = {
        "entries": [{"image": stand_in, "scan": scan, "case": "measurement"}],
        "preprocessing": Compose([]),
        "raw": True,
    }
    with tempfile.TemporaryDirectory() as folder:
        result = _run(bundle, options, folder, objects)
    return result.as_subclass(torch.Tensor).reshape(*batch, height, width)


def _run(
    bundle: str | os.PathLike[str],
    options: dict[str, Any],
    folder: str,
    objects: dict[str, Any] | None = None,
) -> MetaTensor:
    kept = {"handlers": [], "dataset::keep_going": False, "output_dir": folder}
    workflow = open_bundle(bundle, "inference.yaml", options, objects=kept | (objects or {}))
    evaluator, writer = (workflow.parser.get_parsed_content(name) for name in ("evaluator", "writer"))
    count = len(evaluator.data_loader)
    if count > 1:
        raise ValueError(f"{options['input']}: holds {count} volumes, and one is meant; give its file")
    evaluator.logger.addFilter(tidy)
    try:
        workflow.run()
    finally:
        evaluator.logger.removeFilter(tidy)
    result: MetaTensor = writer.on_original_grid(evaluator.state.output["pred"], evaluator.state.batch["image"])
    return result
