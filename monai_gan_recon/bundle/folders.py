"""The folder of the bundle that runs, and another bundle's trained network."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import nn

from monai_gan_recon.bundle.command_line import command_line
from monai_gan_recon.bundle.typed import typed
from monai_gan_recon.bundle.values import read_config
from monai_gan_recon.engines.runtime import check_device
from monai_gan_recon.resources import bundle_path


def bundle_root(name: str) -> str:
    """Folder of the bundle that runs: default of the id ``bundle_root``, so that it works from any folder.

    On MONAI's command line it is the folder above ``configs`` in which the (first) ``--config_file`` lies; the file's
    own folder if that has another name, as in MONAI. From Python, where a configuration cannot know its file, it is
    the shipped bundle: give ``bundle_root`` for another one. Makes the command line strict too
    (:func:`~monai_gan_recon.bundle.command_line`), for runs that skip ``initialize``.

    Args:
        name: of the shipped bundle.

    Returns:
        Absolute path.
    """
    command_line()
    line = typed()
    files = line.config_files() if line else []
    if not files:
        return str(bundle_path(name))
    folder = Path(os.path.abspath(files[0])).parent
    return str(folder.parent if folder.name == "configs" else folder)


def bundle_network(bundle: str | os.PathLike[str], device: torch.device | str = "cpu") -> nn.Module:
    """The network of a bundle's ``evaluate.yaml`` with its weights, in evaluation mode, on a device.

    Raises:
        FileNotFoundError: if there is no such bundle, or it has no weights.
    """
    folder = bundle_path(bundle)
    parser = read_config(folder / "configs" / "evaluate.yaml", bundle_root=folder)
    network: nn.Module = parser.get_parsed_content("network")
    return network.to(check_device(device)).eval()
