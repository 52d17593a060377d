import logging
import sys

import pytest
from fire import core, inspectutils
from fire.parser import DefaultParseValue
from monai.bundle import run as monai_run

from monai_gan_recon.bundle import bundle_root, command_line, read_config, typed_values
from monai_gan_recon.bundle.typed import typed
from monai_gan_recon.bundle.values import check_values
from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION, bundle_path

PROGRAM = "/somewhere/site-packages/monai/bundle/__main__.py"

TYPED = [
    "training --config_file a.yaml --rate 0.1",
    "--config_file=a.yaml --size [256,256]",
    "--config-file a.yaml --output-dir out --flag --last",
    "training --network#width 3 --network::depth=4",
    "--rate 0.1 --rate 0.5",
    "--shift -1 --name a-b --empty= --x=a=b",
    "run_id_here init_id_here --input /a/b -c -d",
    "--verbose_flag -- --trace",
]


@pytest.mark.parametrize("text", TYPED)
def test_reads_options_as_fire_does(text):
    line = typed([PROGRAM, "run", *text.split()])
    arguments = text.split(" -- ")[0].split()
    kwargs, unknown, rest = core._ParseKeywordArgs(arguments, inspectutils.GetFullArgSpec(monai_run))
    assert line.options == {name.replace("#", "::"): value for name, value in kwargs.items()}
    assert (list(line.positional), unknown) == (rest, [])


def test_values_have_the_types_that_monai_gets():
    text = "--a 0.1 --b [256,256] --c --d oasis_malc --e 1107 --f None"
    line = typed([PROGRAM, "run", *text.split()])
    assert [line.value(name) for name in "abcdef"] == [0.1, [256, 256], True, "oasis_malc", 1107, None]
    assert DefaultParseValue("1107") == 1107  # a path that looks like a number reaches the bundle as one


@pytest.mark.parametrize(
    "text", ["{[1]:2}", "-" * 9000 + "1", "{1,[2]}", "1e999", "-1e999", "0x" + "f" * 9000, "9" * 400]
)
def test_what_python_cannot_take_apart_is_one_line(text):
    with pytest.raises(ValueError, match="--rate") as refused:
        check_values(typed_values({"rate": text}), {"rate": 0.1})
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("configured", "right", "wrong"),
    [
        (True, [False], [None, 1, "true", [True]]),
        (0.5, [1, 2.5, None], [True, "1", [1], {}]),
        ("auto", ["x", True, 3, None], [[1], {}]),
        ([1, 2], [[3], (4, 5), None], [1, "1", True, {}]),
        ({"a": 1}, [{"b": 2}], [None, 1, [1], "a"]),
        ("$1 + 1", [1, "x", [1], None, True], []),
        (None, [1, "x", [1], {}], []),
    ],
)
def test_kinds_of_values_stay(configured, right, wrong):
    for value in right:
        check_values({"option": value}, {"option": configured})
    for value in wrong:
        with pytest.raises(ValueError, match="--option"):
            check_values({"option": value}, {"option": configured})


@pytest.mark.parametrize(
    ("option", "value", "right"),
    [
        ("network", 1, False), ("evaluator", {"a": 1}, False), ("handlers", [], False), ("inference", "x", False),
        ("evaluator::network", 1, False), ("protocol::Rate", 1, False), ("writer::dicom", {}, False),
        ("track", "replica", True), ("weights", None, True), ("network_def::width", 4, True),
        ("network_def::denoising", 0.5, True), ("evaluator::device", "cpu", True), ("covered::snr", 3, True),
        ("dataset::keep_going", False, True), ("network_def::denoising", [1], False),
    ],
)  # fmt: skip
def test_what_the_configuration_builds_takes_no_value(option, value, right):
    file = bundle_path(RECONSTRUCTION) / "configs" / "inference.yaml"
    if right:
        assert read_config(file, **{option: value})[option] == value
    else:
        with pytest.raises(ValueError, match=f"--{option.replace('::', '#')}"):
            read_config(file, **{option: value})


@pytest.mark.parametrize("value", ["", "  ", 7, True, ["a"], None])
def test_paths_are_texts(value):
    with pytest.raises(ValueError, match="--output_dir"):
        check_values({"output_dir": value}, {"output_dir": "outputs"})
    for missing in (None, "$@output_dir + 'x'"):
        check_values({"dataset_dir": None}, {"dataset_dir": missing})


@pytest.mark.parametrize("argv", [["pytest", "tests"], [PROGRAM], ["/other/bundle/__main__.py", "run"]])
def test_other_programs_have_no_typed(argv):
    assert typed(argv) is None


def test_several_config_files(tmp_path):
    one = tmp_path / "a,b.yaml"
    one.write_text("x: 1")
    for text, files in {
        str(one): [str(one)],
        "['a.yaml','b.yaml']": ["a.yaml", "b.yaml"],
        "a.yaml,b.yaml": ["a.yaml", "b.yaml"],
    }.items():
        assert typed([PROGRAM, "run", "--config_file", text]).config_files() == files


def test_args_file_gives_what_the_command_line_does_not(tmp_path):
    file = tmp_path / "args.yaml"
    file.write_text("config_file: a.yaml\nrate: 0.3")
    line = typed([PROGRAM, "run", "--args_file", str(file), "--rate", "0.2"])
    assert line.config_files() == ["a.yaml"]
    assert line.value("rate") == 0.2
    assert line.args_file()["rate"] == 0.3


@pytest.mark.parametrize(
    ("files", "root"),
    [
        ("bundle/configs/train.yaml", "bundle"),
        ("['bundle/configs/train.yaml','elsewhere/mine.yaml']", "bundle"),
        ("elsewhere/mine.yaml", "elsewhere"),
    ],
)
def test_bundle_root_is_beside_the_config_file(tmp_path, monkeypatch, files, root):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [PROGRAM, "ckpt_export", "--config_file", files])
    assert bundle_root(SEGMENTATION) == str(tmp_path / root)


def test_from_python_nothing_is_hidden_and_the_root_is_the_shipped_bundle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hook, filters = sys.excepthook, [list(handler.filters) for handler in logging.getLogger().handlers]
    command_line()
    assert bundle_root(SEGMENTATION) == str(bundle_path(SEGMENTATION))
    assert sys.excepthook is hook
    assert [list(handler.filters) for handler in logging.getLogger().handlers] == filters
