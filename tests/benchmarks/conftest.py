"""Tiny volumes and systems, for a real training."""

import hashlib
import json

import nibabel as nib
import numpy as np
import pytest
import torch

TINY = """
network_def:
  _target_: monai_gan_recon.networks.UnrolledGenerator
  layers: [1, 1]
  width: 4
  stem: pixel_unshuffle
  cascades: 1
  noise_layers: null
critic_def:
  _target_: monai_gan_recon.networks.ResNetCritic
  layers: [1, 1, 1, 1]
  width: 4
gan_fraction: 0.5
"""
IDENTITY = """
network_def: {_target_: benchmarks.systems.ZeroFilled}
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Options of a run on five people's tiny volumes with a tiny network called "ours"."""
    folder = tmp_path_factory.mktemp("tiny")
    sections = {"training": ["a", "b"], "validation": ["c"], "testing": ["d", "e"]}
    content = {"name": "tiny", "title": "Tiny", "licence": "CC0", "source": "a test", "root": ""}
    for number, (section, people) in enumerate(sections.items()):
        content[section] = [entry(folder, person, 10 * number + i) for i, person in enumerate(people)]
    (folder / "tiny.json").write_text(json.dumps(content))
    systems = folder / "systems"
    systems.mkdir()
    (systems / "ours.yaml").write_text(TINY)
    (systems / "zero_filled.yaml").write_text(IDENTITY)
    return {"datalist": str(folder / "tiny.json"), "systems_dir": str(systems)}


def entry(folder, person, seed):
    """Write a smooth volume inside an empty margin; its entry of the manifest."""
    low = torch.rand(1, 1, 4, 4, 4, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(low, size=(24, 8, 24), mode="trilinear", align_corners=True)
    volume = np.pad((smooth[0, 0] * 880 + 20).numpy(), [(6, 6), (6, 6), (6, 6)])
    file = folder / f"{person}.nii.gz"
    nib.save(nib.Nifti1Image(volume, np.eye(4)), file)
    return {"image": file.name, "person": person, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
