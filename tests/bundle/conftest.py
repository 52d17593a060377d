"""A small bundle, and MONAI's real command line run on it."""

import runpy
import subprocess
import sys
import warnings

import pytest

CONFIG = """
imports:
- $import monai_gan_recon.bundle as bundle
bundle_root: $bundle.bundle_root()
rate: 0.1
size: null
input: null
output_dir: $@bundle_root + '/results'
network_def:
  _target_: torch.nn.Linear
  in_features: 2
  out_features: 2
initialize:
- $bundle.check_command_line()
- "$bundle.validate_protocol('gaussian1d', @rate, size=@size)"
run:
- "$print('RAN', @rate, @input, @size, @output_dir, @network_def.in_features)"
training: "%run"
"""


@pytest.fixture
def config_file(tmp_path):
    folder = tmp_path / "tiny" / "configs"
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(CONFIG)
    return folder / "tiny.yaml"


@pytest.fixture
def monai_bundle(monkeypatch, capsys):
    """``python -m monai.bundle`` inside this process (fast): (exit message or None, standard output)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["monai.bundle", *map(str, arguments)])
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        capsys.readouterr()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                runpy.run_module("monai.bundle", run_name="__main__", alter_sys=True)
            except SystemExit as end:
                return end.code, capsys.readouterr().out
        return None, capsys.readouterr().out

    return run


@pytest.fixture
def monai_bundle_process():
    """``python -m monai.bundle`` as a process of its own."""

    def run(*arguments, cwd):
        command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)

    return run
