"""One fixed test slice through a cell's network, kept for the figures."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai_gan_recon.networks.estimate import estimate
from torch import nn

from monai_gan_recon.io.writing import atomic_path

SLICE = 105
"""Of the first test scan: shows the corpus callosum and the hippocampi of OASIS 1101."""

FILE = "figure_slice.npz"


def save_figure_slice(content: dict[str, Any], network: nn.Module, folder: Path) -> Path:
    """Reconstruct the slice and save ``reference``, ``zero_filled`` and ``reconstruction`` (H, W) in float32.

    Args:
        content: of the cell's evaluation configuration.
        network: the tested network, on its device.
        folder: of the cell.

    Returns:
        The file.
    """
    config = deepcopy(content)
    for step in config["preprocessing"]["transforms"]:
        if step["_target_"].endswith("KeepSlicesd"):
            step.update(step=1, only=SLICE)
    parser = ConfigParser(config)
    parser.parse()
    scan = parser.get_parsed_content("entries")[0]
    item = parser.get_parsed_content("preprocessing")(dict(scan))
    x = torch.as_tensor(item["input"]).as_subclass(torch.Tensor).movedim(0, 1)
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    with torch.no_grad():
        found = estimate(network.eval(), x.to(device)).float().cpu()[0]
    images = {
        "reference": item["target"][0, 0],
        "zero_filled": item["zero_filled"][:, 0].norm(dim=0),
        "reconstruction": found.norm(dim=0) if len(found) == 2 else found[0],
    }
    path = folder / FILE
    with atomic_path(path) as temporary:
        arrays: dict[str, Any] = {name: np.asarray(image, dtype=np.float32) for name, image in images.items()}
        np.savez_compressed(temporary, **arrays)
    return path
