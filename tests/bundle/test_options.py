"""The check of the command line, through MONAI's real command line on a small configuration."""

import pytest

GOOD = [
    ([], "RAN 0.1 None None {root}/results 2"),
    (["--rate", "0.5", "--size", "[64,128]"], "RAN 0.5 None [64, 128] {root}/results 2"),
    (
        ["--input=a b/c@d%e.nii", "--network_def#in_features", "7"],
        "RAN 0.1 a b/c@d%e.nii None {root}/results 7",
    ),
    (["--output-dir", "/x", "--network_def::in_features=3"], "RAN 0.1 None None /x 3"),
    (["--bundle_root", "/elsewhere"], "RAN 0.1 None None /elsewhere/results 2"),
]

BAD = [
    (["--rat", "0.2"], "unknown option --rat; did you mean --rate?"),
    (["--network_def#in_featur", "3"], "unknown option --network_def#in_featur; did you mean --network_"),
    (["--zzz"], "unknown option --zzz; the configuration file lists them all"),
    (["--rate", "$print('EXECUTED')"], "--rate: \"$print('EXECUTED')\" starts with '$', which MONAI would"),
    (["--size", "[64,'$print(1)']"], "--size: '$print(1)' starts with '$'"),
    (["--rate", "%size"], "--rate: '%size' starts with '%'"),
    (["--input", "@network_def"], "--input: '@network_def' starts with '@'"),
    (["--input", "/data/$HOME/x.nii"], "--input: '/data/$HOME/x.nii' contains '$'; write the path itself"),
    (["--output_dir", "/data/study#1"], "--output_dir: '/data/study#1' contains '#'"),
    (["--size", "[64,", "128]"], "unexpected argument '128]': options start with --, and lists are quoted"),
    (["--initialize", "[]"], "--initialize cannot be set on the command line"),
    (["--size", "None"], "--size: MONAI ignores None and keeps the configuration's value; write null"),
    (["--rate", "1.5"], "--rate: the sampling rate must be in (0, 1], got 1.5"),
    (["--size", "[8,8]"], "--size: slices need at least 16 x 16 pixels, got 8 x 8"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "printed"), GOOD)
@pytest.mark.parametrize("run_id", [[], ["training"]])
def test_options_that_the_configuration_has(monai_bundle, config_file, run_id, arguments, printed):
    code, out = monai_bundle("run", *run_id, "--config_file", config_file, *arguments)
    assert code is None
    assert printed.format(root=config_file.parent.parent) in out


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_anything_else_ends_in_one_line(monai_bundle, config_file, arguments, message):
    code, out = monai_bundle("run", "training", "--config_file", config_file, *arguments)
    assert code.startswith(message)
    assert "\n" not in code
    assert "RAN" not in out
    assert "EXECUTED" not in out


def test_unknown_run_id(monai_bundle, config_file):
    code, _ = monai_bundle("run", "trainin", "--config_file", config_file)
    assert code == "nothing to run is called 'trainin' in the configuration; did you mean training?"


def test_ids_of_merged_files_and_of_the_args_file(monai_bundle, config_file, tmp_path):
    second = config_file.with_name("second.yaml")
    second.write_text("'network_def#bias': false\nepochs: 3\n")
    both = f"['{config_file}','{second}']"
    code, out = monai_bundle("run", "--config_file", both, "--epochs", "4", "--network_def#bias", "True")
    assert code is None
    assert "RAN" in out
    arguments = tmp_path / "args.yaml"
    arguments.write_text(f"config_file: {config_file}\nrate: 0.2\nepochs: 3\n")
    code, _ = monai_bundle("run", "--args_file", arguments)
    assert code.startswith("unknown option --epochs")


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--rate", "0.25"], 0, ""),
        (["--rte", "0.25"], 1, "unknown option --rte; did you mean --rate?\n"),
    ],
)
def test_as_a_process_from_another_folder(monai_bundle_process, config_file, tmp_path, arguments, code, line):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = monai_bundle_process(
        "run", "training", "--config_file", "../tiny/configs/tiny.yaml", *arguments, cwd=elsewhere
    )
    assert done.returncode == code
    assert done.stderr.endswith(line)
    assert "Traceback" not in done.stderr
    assert (f"RAN 0.25 None None {config_file.parent.parent}/results" in done.stdout) is (code == 0)
    assert list(elsewhere.iterdir()) == []
