"""Options of the subcommands are those of the configurations."""

import pytest
import yaml

from monai_gan_recon import cli
from monai_gan_recon.cli.options import given
from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION, bundle_path, config_options


@pytest.mark.parametrize(
    ("bundle", "configs"),
    [
        (RECONSTRUCTION, ["inference.yaml"]),
        (RECONSTRUCTION, ["evaluate.yaml"]),
        (RECONSTRUCTION, ["train.yaml", "finetune.yaml"]),
        (SEGMENTATION, ["inference.yaml"]),
        (SEGMENTATION, ["evaluate.yaml"]),
        (SEGMENTATION, ["train.yaml"]),
    ],
)
def test_items_are_what_yaml_reads(bundle, configs):
    files = [bundle_path(bundle) / "configs" / name for name in configs]
    merged = {name: value for file in files for name, value in yaml.safe_load(file.read_text()).items()}
    found = {item.name: item for item in config_options(files)}
    assert found["output_dir"].text
    for name, item in found.items():
        if item.default:  # not a value of several lines
            assert yaml.safe_load(item.default) == merged[name], name


def test_values_are_read_as_monai_reads_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "7").write_text("a file whose name is a number")
    words = [
        "reconstruct",
        "7",
        "out",
        "--size",
        "[64,32]",
        "--rate",
        "0.5",
        "--weights",
        "null",
        "--overwrite",
    ]
    chosen = given(cli.parser().parse_args([*words, "--no-use_phase", "--set", "network_def#width=4"]))
    assert chosen == {
        "input": "7", "output_dir": "out", "size": [64, 32], "rate": 0.5, "weights": None, "overwrite": True,
        "use_phase": False, "network_def::width": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ["in", "out", "--rate", "0.5", "--overwrite"],
        ["in", "--rate", "0.5", "--overwrite", "out"],
        ["--rate=0.5", "in", "--overwrite", "out"],
        ["--overwrite", "--rate", "0.5", "in", "out"],
        ["--overwrite", "--rate", "0.5", "in", "--output_dir", "out"],
    ],
)
def test_arguments_stand_anywhere(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").touch()
    wanted = {"input": "in", "output_dir": "out", "rate": 0.5, "overwrite": True}
    assert given(cli.parser().parse_args(["reconstruct", *words])) == wanted


@pytest.mark.parametrize(
    "words", [[], ["in", "out", "more"], ["--rate", "0.5"], ["in", "--rate"], ["in", "--set", "rate"]]
)
def test_wrong_usage(capsys, words):
    with pytest.raises(SystemExit) as stop:
        cli.main(["reconstruct", *words])
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_option_and_the_same_by_set_contradict_each_other(tmp_path, capsys):
    (tmp_path / "in").touch()
    assert cli.main(["reconstruct", str(tmp_path / "in"), "--rate", "0.5", "--set", "rate=0.3"]) == 1
    assert "--rate" in capsys.readouterr().err


def test_hyphens_and_another_bundle(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", "--bundle", SEGMENTATION, "--help"])
    assert stop.value.code == 0
    assert "--patches_per_epoch" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", "--patches-per-epoch", "3"])  # not an option of the reconstruction's
    assert stop.value.code == 2
    assert "--patches_per_epoch" in capsys.readouterr().err
    assert cli.main(["train", "--bundle", str(tmp_path)]) == 1


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["reconstruct", "in", "--raet", "0.5"], "--rate"),
        (["reconstruct", "in", "out", "--no-hermitan"], "--no-hermitian"),
        (["manifest", "build", "in", "--output", "x", "--sed=3"], "--seed"),
    ],
)
def test_a_mistyped_option_is_corrected_by_its_command(capsys, words, meant):
    with pytest.raises(SystemExit):
        cli.main(words)
    printed = capsys.readouterr().err
    assert f"{meant}?" in printed
    assert f"monai-gan-recon {words[0]} " in printed
