"""The segmentation bundle with a network that thresholds; ``run_bundle`` of the folder above runs it."""

import shutil
from pathlib import Path

import pytest
import torch
import yaml

SOURCE = Path(__file__).resolve().parents[3] / "bundles" / "brain_mri_tissue_segmentation"


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """Copy of the bundle; only ``network_def``, ``brain_extraction`` and ``models/`` differ."""
    folder = tmp_path_factory.mktemp("bundles") / "tissues"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("models"))
    for name in ("inference.yaml", "evaluate.yaml"):
        config = yaml.safe_load((folder / "configs" / name).read_text())
        config["network_def"] = {
            "_target_": "torch.nn.Conv3d",
            "in_channels": 4,
            "out_channels": 4,
            "kernel_size": 1,
        }
        config["brain_extraction"] = "false"  # phantoms are no heads
        (folder / "configs" / name).write_text(yaml.safe_dump(config, sort_keys=False, width=10000))
    (folder / "models").mkdir()
    weight = torch.zeros(4, 4, 1, 1, 1)
    weight[1, 0], weight[3, 0] = -1, 1  # calibrated intensity: CSF under -0.5, WM above 0.5
    torch.save({"weight": weight, "bias": torch.tensor([-99, -0.5, 0, -0.5])}, folder / "models" / "model.pt")
    return folder
