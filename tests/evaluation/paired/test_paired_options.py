"""Options of the paired evaluation: what the command line means, and what it refuses."""

import pytest

from monai_gan_recon.evaluation.paired.arguments import parse_options
from monai_gan_recon.evaluation.paired.options import PairedOptions


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ([], [256, 256]),
        (["--size", "64", "128"], [64, 128]),
        (["--size", "[64,128]"], [64, 128]),
        (["--size", "null"], None),
    ],
)
def test_size(words, size):
    assert parse_options(words).size == size


def test_settings_reach_the_bundle():
    options = parse_options(
        ["--set", "network_def#layers=[1, 1]", "--set", "hermitian=false", "--weights", "w.pt"]
    )
    found = options.reconstruction_options(0.25)
    assert found["network_def#layers"] == [1, 1]
    assert found["hermitian"] is False
    assert (found["weights"], found["rate"], found["size"]) == ("w.pt", 0.25, [256, 256])
    assert "device" not in found  # the bundle chooses


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rates": []}, "--rates"),
        ({"rates": [0.5, 1.5]}, "--rate"),
        ({"pattern": "stars"}, "stars"),
        ({"plane": "oblique"}, "--plane"),
        ({"size": (8, 8)}, "--size"),
        ({"track": "raw"}, "--track"),
        ({"snr": 0.0}, "--snr"),
        ({"axis": 2}, "axis"),
        ({"figures": -1}, "--figures"),
        ({"device": "cuda:99"}, "--device"),
        ({"section": "all"}, "--section"),
        ({"segmentation": "magic"}, "--segmentation"),
        ({"weights": "nowhere.pt"}, "--weights"),
        ({"segmentation_weights": "nowhere.pt"}, "--segmentation_weights"),
        ({"bundle": "nowhere"}, "--bundle"),
        ({"set": {"netwrok_def#width": 4}}, "netwrok_def#width"),
        ({"set": {"batch_size": "$print(1)"}}, "would run"),
        ({"set": {"rate": 0.3}}, "--rates"),
        ({"set": {"size": [64, 64]}}, "--size"),
        ({"segmentation_set": {"method": "mixture"}}, "--segmentation"),
        ({"segmentation_set": {"network_def#features": [8] * 6}}, "network_def#features"),
        ({"segmentation_set": {"contrats": "t2"}}, "contrats"),
        ({"segmentation_set": {"contrast": "@device"}}, "would run"),
    ],
)
def test_wrong_options_end_in_a_line_that_names_them(tmp_path, changes, message):
    options = PairedOptions(output_dir=str(tmp_path), **changes)
    with pytest.raises((SystemExit, ValueError, FileNotFoundError)) as end:
        options.check()
    assert message in str(end.value)
    assert "\n" not in str(end.value)


def test_missing_segmentation_bundle_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="--segmentation_bundle"):
        _ = PairedOptions(segmentation_bundle=str(tmp_path)).segmentation_folder


def test_setting_without_value_is_refused():
    with pytest.raises(SystemExit, match="ID=VALUE"):
        parse_options(["--set", "hermitian"])
