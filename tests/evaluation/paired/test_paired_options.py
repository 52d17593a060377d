"""Options of the paired evaluation: what the command line means, and what it refuses."""

import argparse

import pytest

from monai_gan_recon.evaluation.paired.options import PairedOptions, add_arguments, options_of


def parse_options(words):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return options_of(parser.parse_args(words))


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
        ({"figures": -1}, "--figures"),
        ({"device": "cuda:99"}, "--device"),
        ({"segmentation": "magic"}, "--segmentation"),
        ({"bundle": "nowhere"}, "--bundle"),
        ({"set": {"netwrok_def#width": 4}}, "netwrok_def#width"),
        ({"set": {"batch_size": "$print(1)"}}, "would run"),
        ({"set": {"rate": 0.3}}, "--rates"),
        ({"set": {"size": [64, 64]}}, "--size"),
        ({"segmentation_set": {"method": "mixture"}}, "--segmentation"),
        ({"segmentation_set": {"contrats": "t2"}}, "contrats"),
        ({"segmentation_set": {"contrast": "@device"}}, "would run"),
    ],
)
def test_wrong_options_end_in_a_line_that_names_them(tmp_path, changes, message):
    with pytest.raises((ValueError, FileNotFoundError)) as end:
        PairedOptions(output_dir=str(tmp_path), **changes)
    assert message in str(end.value)
    assert "\n" not in str(end.value)


def test_missing_segmentation_bundle_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="--segmentation_bundle"):
        PairedOptions(segmentation_bundle=str(tmp_path))


def test_setting_without_value_is_refused():
    with pytest.raises(ValueError, match="ID=VALUE"):
        parse_options(["--set", "hermitian"])
