"""Where the project's bundles are, and a bundle's trained network for use from Python."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from monai.bundle import ConfigParser
from torch import nn

RECONSTRUCTION = "brain_mri_gan_reconstruction"
SEGMENTATION = "brain_mri_tissue_segmentation"


def find_bundle(
    name: str,
    path: str | os.PathLike[str] | None = None,
    config: str = "evaluate.yaml",
    option: str = "--bundle",
) -> Path:
    """Folder of a bundle: the one given, or that of the source tree around this package.

    Args:
        name: of the bundle.
        path: given by the user.
        config: configuration that it must have.
        option: of the command line, for the message.

    Raises:
        FileNotFoundError: if there is no bundle.
    """
    source_tree = Path(__file__).resolve().parents[2]
    candidates = (
        [Path(path).expanduser()] if path else [folder / "bundles" / name for folder in (source_tree, Path())]
    )
    for folder in candidates:
        if (folder / "configs" / config).is_file():
            return folder.absolute()
    raise FileNotFoundError(
        f"{candidates[0]}: no bundle (configs/{config}) there; give its folder with {option}"
    )


def bundle_network(bundle: str | os.PathLike[str], device: torch.device | str = "cpu") -> nn.Module:
    """The network of a bundle's ``evaluate.yaml`` with its weights, in evaluation mode.

    Args:
        bundle: folder of the bundle.
        device: device to put it on.
    """
    parser = ConfigParser()
    parser.read_config(str(Path(bundle) / "configs" / "evaluate.yaml"))
    parser["bundle_root"] = str(bundle)
    network: nn.Module = parser.get_parsed_content("network")
    return network.to(device).eval()
