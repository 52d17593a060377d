"""Options of the paired evaluation: what the command line means, and what it refuses."""

import pytest

from monai_gan_recon.cli import parser
from monai_gan_recon.cli.analysis import paired_options
from monai_gan_recon.errors import one_line
from monai_gan_recon.evaluation.paired.options import PairedOptions
from monai_gan_recon.evaluation.paired.run import run_paired


def parse_options(words):
    return paired_options(parser().parse_args(["paired", *words]))


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ([], (256, 256)),
        (["--size", "64", "128"], [64, 128]),
        (["--size", "[64,128]"], [64, 128]),
        (["--size", "null"], None),
    ],
)
def test_size(words, size):
    assert parse_options(words).size == size


def test_settings_reach_the_bundle():
    options = parse_options(["--set", "network_def#layers=[1, 1]", "--set", "hermitian=false", "--weights", "w.pt"])
    found = options.reconstruction_options(0.25)
    assert found["network_def::layers"] == [1, 1]
    assert found["hermitian"] is False
    assert (found["weights"], found["rate"], found["size"]) == ("w.pt", 0.25, [256, 256])
    assert "device" not in found  # the bundle chooses


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rates": []}, "--rates"),
        ({"figures": -1}, "--figures"),
        ({"segmentation": "magic"}, "--segmentation"),
        ({"bundle": "nowhere"}, "nowhere"),
        ({"set": {"netwrok_def#width": 4}}, "netwrok_def#width"),
        ({"set": {"batch_size": "$print(1)"}}, "$print(1)"),
        ({"set": {"rate": 0.3}}, "--rates"),
        ({"set": {"size": [64, 64]}}, "--size"),
        ({"segmentation_set": {"method": "mixture"}}, "--segmentation"),
        ({"segmentation_set": {"contrats": "t2"}}, "contrats"),
        ({"segmentation_set": {"contrast": "@device"}}, "@device"),
    ],
)
def test_wrong_options_end_in_a_line_that_names_them(tmp_path, changes, message):
    with pytest.raises((ValueError, FileNotFoundError)) as end:
        PairedOptions(output_dir=str(tmp_path), **changes)
    assert message in str(end.value)
    assert "\n" not in str(end.value)


def test_setting_without_value_is_refused():
    with pytest.raises(SystemExit, match="2"):
        parse_options(["--set", "hermitian"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rates": [0.5, 1.5]}, "1.5"),
        ({"pattern": "stars"}, "stars"),
        ({"plane": "oblique"}, "oblique"),
        ({"size": (8, 8)}, "size"),
        ({"track": "raw"}, "raw"),
        ({"section": "all"}, "all"),
        ({"weights": "nowhere.pt"}, "nowhere.pt"),
        ({"segmentation_weights": "nowhere.pt"}, "nowhere.pt"),
    ],
)
def test_what_the_bundles_refuse_ends_it_before_its_work(tmp_path, changes, message):
    options = PairedOptions(output_dir=str(tmp_path / "out"), **changes)
    with pytest.raises((ValueError, FileNotFoundError, RuntimeError)) as end:
        run_paired(options)
    assert message in one_line(end.value)
    assert not (tmp_path / "out").exists()
