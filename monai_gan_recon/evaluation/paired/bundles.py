"""The reconstruction bundle behind the paired evaluation, as a function."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor

from monai_gan_recon.engines.config_hash import config_hash
from monai_gan_recon.engines.evaluator import VolumeReconstructionEvaluator
from monai_gan_recon.engines.precision import resolve_amp
from monai_gan_recon.io import LoadVolume

MAX_CUT = 0.01
"""Largest fraction of an image's summed intensity that the size of the slices may cut off."""


def default_device() -> str:
    """A GPU if there is one, as the bundles choose."""
    return "cuda:0" if torch.cuda.is_available() else "cpu"


class BundleReconstruction:
    """Volume in, zero-filled and reconstructed volume out, by the ``evaluate.yaml`` of a reconstruction bundle.

    Args:
        bundle: folder of the bundle.
        options: its options, such as ``rate=0.1`` or ``weights="model.pt"``; "a#b" are nested ones.

    Attributes:
        protocol: track, pattern, rate and so on, as results state them.
        config_hash: hash of protocol, precision, network and weights.
        sampled_fraction: of k-space, of the last volume: the true rate.
    """

    def __init__(self, bundle: Path, **options: Any) -> None:
        parser = ConfigParser()
        parser.read_config(str(bundle / "configs" / "evaluate.yaml"))
        pairs = {"bundle_root": str(bundle), **options}
        parser.update({name.replace("#", "::"): value for name, value in pairs.items()})
        parser.parse()
        content = parser.get_parsed_content
        self.protocol: dict[str, Any] = dict(content("protocol"))
        self.preprocessing, self.postprocessing = content("preprocessing"), content("postprocessing")
        self.network, self.device, self.amp = content("network"), content("device"), content("amp")
        self.inferer, self.batch_size = content("inferer"), content("batch_size")
        precision = {"bf16": resolve_amp(self.amp, self.device)}
        self.config_hash = config_hash(self.protocol | precision, self.network, content("weights"))
        self.sampled_fraction = 0.0

    def __call__(self, entry: Mapping[str, Any]) -> dict[str, MetaTensor]:
        """Undersample and reconstruct a volume.

        Args:
            entry: ``image`` (path) and ``case`` (name, on which the sampling mask depends).

        Returns:
            "original", "zero_filled" and "reconstruction": magnitudes (1, X, Y, Z) on the file's grid and in its
            intensities.

        Raises:
            ValueError: in one line, if the image cannot be used, or if the size of the slices cuts it off.
        """
        volume = self.preprocessing(dict(entry))
        evaluator = VolumeReconstructionEvaluator(
            self.device, [volume], self.network, self.inferer, self.batch_size, self.amp, progress=False
        )
        evaluator.run()
        output = evaluator.state.output
        self.sampled_fraction = output["sampled_fraction"]
        image = LoadVolume()(entry["image"])
        self._check_cut(entry, image, self._undo(output["label"], volume["image"]))
        return {
            "original": image,
            "zero_filled": self._undo(output["zero_filled"], volume["image"]),
            "reconstruction": self._undo(output["pred"], volume["image"]),
        }

    def _undo(self, slices: torch.Tensor, image: MetaTensor) -> MetaTensor:
        """Slices (1, N, H, W) in [0, 1] to the grid and intensities of the file."""
        volume: MetaTensor = self.postprocessing({"image": image, "pred": MetaTensor(slices)})["pred"]
        return volume

    def _check_cut(self, entry: Mapping[str, Any], image: MetaTensor, kept: MetaTensor) -> None:
        cut = float((image - kept).abs().sum() / (image - image.min()).sum())
        if cut > MAX_CUT:
            size = " x ".join(str(n) for n in self.protocol["size"] or ())
            raise ValueError(
                f"{entry['image']}: slices of {size} cut off {cut:.0%} of the image; give a larger --size, or "
                "--size null for whole slices"
            )
