"""The search for compressed sensing's weights, on a slice that comes with an installed package."""

import json
from pathlib import Path

import pytest
from monai.bundle import ConfigParser

from benchmarks import select_compressed_sensing
from benchmarks.select_compressed_sensing import WEIGHTS as SEARCHED
from monai_gan_recon.data import load_manifest

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "bundles" / "brain_mri_gan_reconstruction" / "configs"


def test_the_best_weight_of_each_setting_is_written(tmp_path):
    file = tmp_path / "out" / "result.json"
    options = ["--datalist", "embedded_train", "--size", "32", "48", "--slices", "1", "--iterations", "2"]
    select_compressed_sensing.main([*options, "--weights", "0.01", "1000", "--output", str(file)])
    result = json.loads(file.read_text())
    assert result["people"] == [e["person"] for e in load_manifest("embedded_train").section("validation")]
    assert {(r["method"], r["track"], r["rate"]) for r in result["results"]} == {
        (method, track, rate)
        for method in ("wavelet", "tv", "total_variation")
        for track in ("replica", "simulated")
        for rate in (0.09375, 0.49609375)
    }
    for row in result["results"]:
        assert row["psnr"][str(row["best"])] == max(row["psnr"].values())


@pytest.mark.parametrize("method", ["wavelet", "tv"])
def test_the_configurations_have_the_published_weights(method):
    results = json.loads((ROOT / "benchmarks" / "results" / "compressed_sensing.json").read_text())["results"]
    for row in (r for r in results if r["method"] == method):
        files = [CONFIGS / "evaluate.yaml", ROOT / "benchmarks/systems/configs" / f"cs_{method}.yaml"]
        parser = ConfigParser(ConfigParser.load_config_files([str(file) for file in files]))
        parser["rate"] = row["rate"]
        network = parser.get_parsed_content("network_def")
        assert row["best"] == (network.lamda if row["track"] == "replica" else network.noisy_lamda)
        assert row["best"] not in (max(SEARCHED), min(SEARCHED))  # else the grid would be too narrow


def test_total_variation_has_its_published_weights():
    results = json.loads((ROOT / "benchmarks" / "results" / "total_variation.json").read_text())["results"]
    assert len(results) == 6
    for row in results:
        files = [CONFIGS / "evaluate.yaml", ROOT / "benchmarks/systems/configs/total_variation.yaml"]
        parser = ConfigParser(ConfigParser.load_config_files([str(file) for file in files]))
        parser["rate"], parser["track"] = row["rate"], row["track"]
        network = parser.get_parsed_content("network_def")
        assert (network.weight, network.real) == (row["best"], row["track"] == "replica")
        assert row["best"] not in (max(SEARCHED), min(SEARCHED))
