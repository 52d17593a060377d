"""Options of the subcommands are those of the configurations."""

import pytest
import yaml

from monai_gan_recon import cli
from monai_gan_recon.cli.options import given, items
from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION, bundle_path


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
    found = {item.name: item for item in items(files)}
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
