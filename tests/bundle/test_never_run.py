"""Nothing of a command line, a file's name or a manifest is ever run: every attempt here would leave a file."""

import contextlib
import json
import os
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from monai_gan_recon.bundle import read_config
from monai_gan_recon.evaluation.paired.options import PairedOptions
from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION, bundle_path
from monai_gan_recon.segmentation.segmenter import TissueSegmenter

CODE = "open('EXECUTED', 'w').close()"
PAYLOADS = {
    "import": "$import harm",
    "from": "$from harm import x as y",
    "call": f"${CODE}",
    "dunder": "$__import__('harm')",
    "target": "{'_target_':'open','file':'EXECUTED','mode':'w'}",
    "merged": "{'+_target_':'open','file':'EXECUTED','mode':'w'}",
    "nested": "[1,{'a':['$import harm']}]",
    "macro": "%harm.yaml",
    "reference": "@run",
}
CONFIGS = {
    (RECONSTRUCTION, "inference"): "input dataset_dir output_dir rate mask weights device noise_std imports",
    (RECONSTRUCTION, "train"): "datalist dataset_dir init_weights ckpt_dir amp loss_weights",
    (RECONSTRUCTION, "evaluate"): "datalist track network_def#width evaluator#device bundle_root",
    (SEGMENTATION, "inference"): "method roi_size network_def writer#instances initialize run",
}
ATTEMPTS = [
    (bundle, name, [f"--{option}", payload])
    for number, ((bundle, name), options) in enumerate(CONFIGS.items())
    for place, option in enumerate(options.split())
    for kind, payload in enumerate(PAYLOADS.values())
    if kind == 0 or (number + place + kind) % 3 == 0
] + [
    (RECONSTRUCTION, "inference", arguments)
    for arguments in (
        ["--imports", "['$import harm']"],
        ["--imports#0", "$import harm"],
        ["--network_def#_target_", "harm.x"],
        ["--evaluator#_target_", "harm.x"],
        ["--check_options", "$import harm"],
        ["--init_id", "run", "--rate", "$import harm"],
        ["$import harm", "--rate", "0.3"],
        ["--args_file", "args.yaml"],
        ["--tracking", "{'configs':{'a':'$import harm'},'handlers_id':{}}"],
        ["--rate=$import harm"],
        ["--run_id", "$import harm"],
    )
]  # fmt: skip


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """A folder with a module that leaves a file when it is imported; gives that file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("harm.py").write_text(f"{CODE}\nx = 1\n")
    Path("harm.yaml").write_text(f'a: "${CODE}"\nb: $import harm\n')
    Path("args.yaml").write_text("rate: $import harm\n")
    yield tmp_path / "EXECUTED"
    sys.modules.pop("harm", None)


@pytest.fixture
def attempt(trap, monkeypatch, capsys):
    """MONAI's command line as a new process would run it; gives the lines of the error."""

    def run(bundle, name, arguments, command="run"):
        monkeypatch.delitem(sys.modules, "monai_gan_recon.bundle")  # imported by the configuration, as at first
        monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
        file = bundle_path(bundle) / "configs" / f"{name}.yaml"
        options = [*arguments, "--config_file", str(file), "--logging_file", "False"]
        monkeypatch.setattr(sys, "argv", ["monai.bundle", command, *options])
        monkeypatch.setattr(warnings, "warn", lambda *_, **__: None)  # MONAI's, about configurations
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("monai.bundle", run_name="__main__", alter_sys=True)
        assert ended.value.code == 1
        return capsys.readouterr().err.strip().splitlines()

    return run


@pytest.mark.parametrize(("bundle", "name", "arguments"), ATTEMPTS, ids=str)
def test_no_option_is_run(attempt, trap, bundle, name, arguments):
    lines = attempt(bundle, name, arguments)
    assert not trap.exists()
    assert len(lines) == 1


def test_attempts_are_many_and_the_trap_works(trap):
    assert len(ATTEMPTS) >= 60
    with contextlib.suppress(Exception):
        __import__("harm")
    assert trap.exists()


def test_other_verbs_are_checked_too(attempt, trap):
    weights = bundle_path(RECONSTRUCTION) / "models" / "model.pt"
    arguments = ["network_def", "--rate", "$import harm", "--ckpt_file", str(weights)]
    lines = attempt(RECONSTRUCTION, "inference", arguments, "ckpt_export")
    assert not trap.exists()
    assert "--rate" in lines[-1]


def test_a_process_of_its_own(trap):
    file = bundle_path(RECONSTRUCTION) / "configs" / "inference.yaml"
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", "--config_file", str(file)]
    command += ["--imports", "['$import harm']", "--rate", "$import harm"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=os.environ | {"PYTHONPATH": str(root)}
    )
    assert done.returncode == 1
    assert not trap.exists()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("value", [value for value in PAYLOADS.values() if value[0] in "$%@"])
def test_from_python_neither(trap, value):
    file = bundle_path(RECONSTRUCTION) / "configs" / "inference.yaml"
    for name in ("weights", "rate", "network_def#width"):
        with pytest.raises(ValueError, match=name):
            read_config(file, **{name: value})
    with pytest.raises(ValueError, match="weights"):
        TissueSegmenter.from_bundle(bundle_path(SEGMENTATION), weights=value)
    for name in ("datalist", "dataset_dir", "weights", "device", "output_dir", "segmentation_weights"):
        with pytest.raises(ValueError, match=name):
            PairedOptions(**{name: value})
    assert not trap.exists()


def test_words_of_a_manifest_are_data(trap):
    from monai_gan_recon.data import load_manifest

    entry = {"image": "$import harm", "person": f"${CODE}", "sha256": "0"}
    Path("$m.json").write_text(json.dumps({"name": f"${CODE}", "testing": [entry]}))
    Path("$import harm").write_bytes(b"")
    file = bundle_path(RECONSTRUCTION) / "configs" / "evaluate.yaml"
    parser = read_config(file, datalist="./$m.json")
    assert parser.get_parsed_content("entries")[0]["image"].endswith("/$import harm")
    assert parser.get_parsed_content("protocol")["dataset"] == f"${CODE}"
    assert load_manifest(Path("$m.json")).testing[0]["person"] == f"${CODE}"
    assert not trap.exists()
