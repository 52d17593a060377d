"""Reconstruction in one call, of files, arrays and measurements; the bundle's configuration does the work."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from monai_gan_recon.bundle import open_bundle
from monai_gan_recon.data.scans import MeasuredScan
from monai_gan_recon.measurement import KData
from monai_gan_recon.resources import RECONSTRUCTION

_WRITING = {
    "input", "dataset_dir", "output_dir", "overwrite", "keep_names", "format", "source_dicom", "deidentify", "report",
    "save_zero_filled", "save_error_map", "save_kspace_residual",
}  # fmt: skip
_OF_KDATA = {"use_phase", "weights", "network_def", "device", "amp", "batch_size"}


def reconstruct(
    image: str | os.PathLike[str] | np.ndarray | torch.Tensor | KData,
    *,
    bundle: str | os.PathLike[str] = RECONSTRUCTION,
    **options: Any,
) -> Any:
    """Reconstruct one volume, or some slices.

    A magnitude image is undersampled first (``rate``, ``pattern``, ``track``, ...); k-space is taken as measured,
    unless ``retrospective`` is set. Nothing is written.

    Args:
        image: a file or DICOM folder; magnitude slices as displayed, (H, W) or (N, H, W); k-space, complex, whose
            ``axes`` are stated, such as "coils,h,w" (see :func:`monai_gan_recon.io.read_raw`); or a measurement
            ``KData`` (*batch, coils, H, W), whose noise and maps are taken as they are.
        bundle: name or folder of the reconstruction bundle.
        options: options of its ``inference.yaml``, such as ``rate=0.25``, ``pattern="poisson"``, ``plane="axial"``,
            ``weights="model.pt"``, ``device="cuda:0"``.

    Returns:
        Magnitudes: of a file, a ``MetaTensor`` (1, X, Y, Z) with its affine (k-space: slices, H, W as X, Y, Z); of an
        array, an array of the same kind and shape, for k-space (slices, H, W), or (H, W) if ``axes`` has no slices; of
        ``KData``, a tensor (*batch, H, W).

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
        raise ValueError(
            f"{useless[0]}: has no effect on this input, of which nothing is written; leave it out"
        )
    if isinstance(image, KData):
        return _of_kdata(image, bundle, options)
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(image, (str, os.PathLike)):
            return _run(bundle, options | {"input": str(image)}, folder)
        array = image.detach().cpu().numpy() if isinstance(image, torch.Tensor) else np.asarray(image)
        file = Path(folder) / "array.npy"
        np.save(file, array)
        axes = options.get("axes")
        try:
            result = _run(bundle, options | {"input": str(file)}, folder)[0].as_subclass(torch.Tensor)
        except ValueError as error:
            raise ValueError(str(error).replace(str(file), "the array")) from None
    if axes is None:
        result = result.reshape(array.shape)
    elif not {"slices", "readout"} & {name.strip() for name in axes.split(",")}:
        result = result[0]
    return result if isinstance(image, torch.Tensor) else result.numpy()


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
    workflow.run()
    result: MetaTensor = writer.on_original_grid(
        evaluator.state.output["pred"], evaluator.state.batch["image"]
    )
    return result
