"""The methods of the table: the zero-filled image, classical ones by their tuned numbers, networks by their weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from monai.bundle import ConfigParser
from torch import nn

from benchmarks.no_harm.scanning import Scanned
from benchmarks.systems import CGSense, L1Wavelet, SupportCG, TotalVariation
from monai_gan_recon.engines import bf16_pays
from monai_gan_recon.engines.runtime import autocast
from monai_gan_recon.measurement import magnitude
from monai_gan_recon.networks import SelfEnsemble, UnrolledGenerator, load_weights, self_ensemble
from monai_gan_recon.resources import RECONSTRUCTION, bundle_path

ZERO_FILLED = "zero_filled"
ESTIMATED = " (noise estimated)"
"""End of the name of a network's column where the noise level is the product's estimate."""

TUNED = " (denoising tuned)"
"""The same, and the share of it that is taken out is tuned as the classical methods' weights are: on raw scans, whose
references are noisy themselves."""

DENOISING = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares that are tried."""


@dataclass(frozen=True)
class Classical:
    """A classical method with one number to tune, and whether the image is taken to be real.

    Attributes:
        build: of the number, whether the image is real, and the iterations.
        values: the numbers that are tried, in order.
        start: place of the first one to try.
        iterations: to begin with; doubled until that changes less than 0.1 dB.
        least_coils: makes no sense with fewer.
        truncated: few iterations regularise, too: doubled as long as that gains 0.1 dB.
    """

    build: Callable[[float, bool, int], nn.Module]
    values: tuple[float, ...]
    start: int
    iterations: int
    least_coils: int = 1
    truncated: bool = False


_WEIGHTS = tuple(round(10 ** (n / 3 - 5), 9) for n in range(15))
CLASSICAL: dict[str, Classical] = {
    "cg_sense": Classical(CGSense, _WEIGHTS, 8, 10, least_coils=2, truncated=True),
    "support_cg": Classical(
        lambda threshold, real, n: SupportCG(threshold, real=real, iterations=n),
        (0.0, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6),
        4,
        50,
        truncated=True,
    ),
    "total_variation": Classical(TotalVariation, _WEIGHTS, 9, 50),
    "l1_wavelet": Classical(L1Wavelet, _WEIGHTS, 9, 25),
}


@dataclass(frozen=True)
class Weights:
    """A network and its weights.

    Attributes:
        name: of the column.
        file: state dict.
        system: configuration over the bundle's, of its network or ``self_ensemble``, a YAML file; None: the bundle's.
    """

    name: str
    file: Path
    system: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Weights:
        """From NAME=FILE or NAME=FILE@SYSTEM.yaml.

        Raises:
            ValueError: for another form, or a name of a classical method.
            FileNotFoundError: if a file is missing.
        """
        name, equals, files = text.partition("=")
        file, _, system = files.partition("@")
        if not (name and equals and file) or name in (*CLASSICAL, ZERO_FILLED):
            raise ValueError(f"--weights: {text!r} is not NAME=FILE with a name of its own")
        for path in filter(None, (file, system)):
            if not Path(path).is_file():
                raise FileNotFoundError(f"--weights: no such file {path}")
        return cls(name, Path(file), Path(system) if system else None)

    def network(self) -> Network:
        """Build it from the bundle's configuration and load the weights."""
        configs = [bundle_path(RECONSTRUCTION) / "configs" / "evaluate.yaml"]
        configs += [] if self.system is None else [self.system]
        parser = ConfigParser(ConfigParser.load_config_files([str(file) for file in configs]))
        network: nn.Module = load_weights(parser.get_parsed_content("network_def"), self.file).eval()
        network = self_ensemble(network, parser.get_parsed_content("self_ensemble"))
        return Network(network, bool(parser.get_parsed_content("use_phase")))


@dataclass(frozen=True)
class Network:
    """A network ready to use, and whether a smooth phase is to be part of its operator."""

    module: nn.Module
    phase: bool = True

    @property
    def denoises(self) -> bool:
        """Whether the share of the noise that is taken out can be chosen."""
        network = self.module.network if isinstance(self.module, SelfEnsemble) else self.module
        return isinstance(network, UnrolledGenerator)

    def __call__(self, scanned: Scanned, estimated: bool = False, denoising: float = 1.0) -> torch.Tensor:
        """Magnitudes (N, 1, H, W), slice by slice."""
        inputs = scanned.block(estimated, self.phase, denoising)["input"]
        with torch.inference_mode(), autocast(inputs, bf16_pays("cpu")):  # as in inference
            return torch.cat([magnitude(self.module(one[None]).float()) for one in inputs])


def zero_filled(scanned: Scanned) -> torch.Tensor:
    """Magnitudes (N, 1, H, W) of the adjoint."""
    return magnitude(scanned.block()["zero_filled"])
