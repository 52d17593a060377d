"""A small bundle, and MONAI's real command line as a process."""

import os
import subprocess
import sys

import pytest

CONFIG = """
imports:
- $import monai_gan_recon.bundle as bundle
- $from monai_gan_recon.measurement import check_rate
bundle_root: $bundle.bundle_root('brain_mri_tissue_segmentation')
rate: 0.1
size: null
fast: false
crop: [8, 8]
root: $@bundle_root
input: null
output_dir: $@bundle_root + '/results'
network_def:
  _target_: torch.nn.Linear
  in_features: 2
  out_features: 2
  bias: true
initialize:
- $bundle.command_line()
- $check_rate(@rate)
run:
- "$print('RAN', @rate, @input, @size, @output_dir, @network_def.in_features)"
- "$print('SWITCH', @fast, @crop, @root)"
training: "%run"
"""


@pytest.fixture
def config_file(tmp_path):
    folder = tmp_path / "tiny" / "configs"
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(CONFIG)
    return folder / "tiny.yaml"


@pytest.fixture
def monai_bundle_process():
    """``python -m monai.bundle`` as a process of its own."""

    def run(*arguments, cwd, environment):
        command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", *map(str, arguments)]
        return subprocess.run(
            command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=120
        )

    return run
