"""The strict command line, through MONAI's real one on a small configuration."""

import pytest

GOOD = [
    ([], "RAN 0.1 None None {root}/results 2"),
    (["--rate", "0.5", "--size", "[64,128]"], "RAN 0.5 None [64, 128] {root}/results 2"),
    (
        ["--input=a b/c@d%e$f.nii", "--network_def#in_features", "7"],
        "RAN 0.1 a b/c@d%e$f.nii None {root}/results 7",
    ),
    (["--output-dir", "/x/$HOME", "--network_def::in_features=3"], "RAN 0.1 None None /x/$HOME 3"),
    (["--bundle_root", "/elsewhere"], "RAN 0.1 None None /elsewhere/results 2"),
    (["--fast", "--crop", "null"], "SWITCH True None"),
    (["--fast", "True", "--crop", "None"], "SWITCH True None"),
    (["--fast", "true"], "SWITCH True [8, 8]"),
    (["--fast", "false", "--crop", "[8]", "--root", "NULL"], "SWITCH False [8] None"),
]

BAD = [
    (["--rat", "0.2"], ["--rat;", "--rate?"]),
    (["--network_def#in_featur", "3"], ["--network_def#in_featur;", "--network_def#in_features?"]),
    (["--zzz"], ["--zzz"]),
    (["--rate", "$print('EXECUTED')"], ["--rate", "'$'"]),
    (["--size", "[64,'$print(1)']"], ["--size", "$print(1)"]),
    (["--rate", "%size"], ["--rate", "%size"]),
    (["--input", "@network_def"], ["--input", "@network_def"]),
    (["--input", "{'_target_':'print','a':'EXECUTED'}"], ["--input", "_target_"]),
    (["--input", "[{'x':{'$y':1}}]"], ["--input", "$y"]),
    (["--output_dir", "/data/study#1"], ["--output_dir", "/data/study#1"]),
    (["--size", "[64,", "128]"], ["128]", "quoted"]),
    (["--initialize", "[]"], ["--initialize"]),
    (["--fast", "perhaps"], ["--fast", "true"]),
    (["--network_def#bias", "false"], ["--network_def", "False"]),
    (["--rate", "high"], ["--rate", "high"]),
    (["--rate", "1.5"], ["1.5"]),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "printed"), GOOD)
@pytest.mark.parametrize("run_id", [[], ["training"]])
def test_options_that_the_configuration_has(monai_cli, config_file, run_id, arguments, printed):
    line, out = monai_cli("run", *run_id, "--config_file", config_file, *arguments)
    assert line is None
    assert printed.format(root=config_file.parent.parent) in out.out


@pytest.mark.parametrize(("arguments", "words"), BAD)
def test_anything_else_ends_in_one_line(monai_cli, config_file, arguments, words):
    line, out = monai_cli("run", "training", "--config_file", config_file, *arguments)
    assert all(word in line for word in words), line
    assert "RAN" not in out.out
    assert "EXECUTED" not in out.out


def test_unknown_run_id(monai_cli, config_file):
    line, _ = monai_cli("run", "trainin", "--config_file", config_file)
    assert "'trainin'" in line
    assert "training?" in line


def test_ids_of_merged_files_and_of_the_args_file(monai_cli, config_file, tmp_path):
    second = config_file.with_name("second.yaml")
    second.write_text("'network_def#bias': false\nepochs: 3\nsize: null\n")
    both = f"['{config_file}','{second}']"
    line, out = monai_cli("run", "--config_file", both, "--epochs", "4", "--network_def#bias", "True")
    assert line is None
    assert "RAN" in out.out
    arguments = tmp_path / "args.yaml"
    arguments.write_text(f"config_file: {config_file}\nrate: 0.2\nepochs: 3\n")
    line, _ = monai_cli("run", "--args_file", arguments)
    assert "--epochs" in line


@pytest.mark.parametrize(
    ("arguments", "words", "environment"),
    [
        ([], [], {}),
        (["--rte", "0.25"], ["--rte", "--rate?"], {}),
        (["--rte", "0.25"], ["--rte", "--rate?"], {"MONAI_GAN_RECON_TRACEBACK": "1"}),
    ],
)
def test_as_a_process_from_another_folder(monai_bundle_process, config_file, tmp_path, arguments, words, environment):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = ["run", "training", "--config_file", "../tiny/configs/tiny.yaml", *arguments]
    done = monai_bundle_process(*command, cwd=elsewhere, environment=environment)
    assert done.returncode == (1 if words else 0)
    assert ("Traceback" in done.stderr) is bool(words and environment)
    assert all(word in done.stderr for word in words)
    assert (f"RAN 0.1 None None {config_file.parent.parent}/results" in done.stdout) is (not words)
    assert list(elsewhere.iterdir()) == []
