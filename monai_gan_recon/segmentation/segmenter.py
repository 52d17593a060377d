"""Tissue segmentation of one volume, as the bundle's inference does it, for use from Python."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.inferers import Inferer
from torch import nn

from monai_gan_recon.segmentation.labels import BACKGROUND
from monai_gan_recon.transforms.causes import apply_with_causes

CONFIG = Path("configs") / "inference.yaml"


class TissueSegmenter:
    """Volume in, tissue labels on its grid out: preprocessing, network (or mixture), and the way back.

    Args:
        preprocessing: from ``image`` (1, X, Y, Z) to ``image`` (1, X', Y', Z'), normalised, 1 mm, RAS, and
            ``brain_mask`` on that grid.
        network: features (1, 4, X', Y', Z') to scores of the classes (1, 4, X', Y', Z').
        inferer: feeds the image to the network.
        postprocessing: from ``image`` and ``pred``, labels (1, X', Y', Z'), to ``pred`` on the original grid; usually
            MONAI's ``Invertd``.
        device: device to compute on.
    """

    def __init__(
        self,
        preprocessing: Callable[[dict[str, Any]], Mapping[str, Any]],
        network: nn.Module,
        inferer: Inferer,
        postprocessing: Callable[[dict[str, Any]], Mapping[str, Any]],
        device: torch.device | str = "cpu",
    ) -> None:
        self.preprocessing, self.postprocessing = preprocessing, postprocessing
        self.network, self.inferer, self.device = network.eval(), inferer, torch.device(device)

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
            options: further options of the configuration, such as ``bias_field=False``.

        Raises:
            FileNotFoundError: if there is no such bundle, or there are no weights.
            ValueError: for an option that the configuration does not have, or weights of another network.
        """
        file = Path(bundle_root) / CONFIG
        if not file.is_file():
            raise FileNotFoundError(f"{bundle_root}: there is no {CONFIG} in it; give the folder of a bundle")
        config = ConfigParser.load_config_file(file)
        given = {"bundle_root": str(bundle_root), "device": str(device), "method": method, **options}
        given |= {} if weights is None else {"weights": str(weights)}
        unknown = [name for name in given if name not in config]
        if unknown:
            raise ValueError(f"{file}: has no option {unknown[0]!r}")
        parser = ConfigParser({**config, **given})
        segmenter = parser.get_parsed_content("segmenter")
        if not isinstance(segmenter, cls):
            raise ValueError(f"{file}: its 'segmenter' is no TissueSegmenter")
        return segmenter

    def __call__(self, image: torch.Tensor) -> MetaTensor:
        """Segment a volume.

        Args:
            image: (1, X, Y, Z), magnitudes in any unit, any orientation; a plain tensor counts as RAS with 1 mm.

        Returns:
            labels (1, X, Y, Z), uint8, see :data:`~monai_gan_recon.segmentation.TISSUES`, with the image's affine.

        Raises:
            ValueError: for an image without a brain: all 0, constant, not finite.
        """
        volume = image if isinstance(image, MetaTensor) else MetaTensor(image, affine=torch.eye(4))
        return self.labels(self.prepare(volume))[0]

    def prepare(self, image: MetaTensor) -> dict[str, Any]:
        """Preprocess a volume (1, X, Y, Z); the errors of the transforms come out as they were raised."""
        plain = MetaTensor(image.as_tensor().clone(), affine=image.affine.clone())
        return dict(apply_with_causes(self.preprocessing, {"image": plain}))

    def labels(self, prepared: Mapping[str, Any]) -> tuple[MetaTensor, float]:
        """Segment a preprocessed volume.

        Args:
            prepared: what :meth:`prepare` gave.

        Returns:
            labels on the original grid, as :meth:`__call__` gives them, and the seconds of the network stage.
        """
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
