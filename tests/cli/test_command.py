"""The command itself: help without torch, exit codes, bundles by name."""

import json
import logging
import os
import subprocess
import sys
import warnings

import pytest

from monai_gan_recon import __version__, cli
from monai_gan_recon.cli.console import quiet
from monai_gan_recon.errors import INTERRUPTED, TRACEBACK_ENV, UNREAD
from monai_gan_recon.resources import SEGMENTATION, available_bundles, bundle_path, manifest_path

HEAVY = "import sys; assert not {'torch', 'monai', 'numpy', 'nibabel'} & set(sys.modules), sorted(sys.modules)"


def subcommands(parser, words=()):
    """Words of every subcommand."""
    choices = [action.choices for action in parser._actions if isinstance(action.choices, dict)]
    if not choices:
        return [words]
    return [found for name, sub in choices[0].items() for found in subcommands(sub, (*words, name))]


def subparser(words):
    """The parser of a subcommand."""
    found = cli.parser()
    for word in words:
        found = next(a.choices for a in found._actions if isinstance(a.choices, dict))[word]
    return found


def processor_time():
    """Of the processes that were started and have ended, in seconds: what other work there is does not count."""
    return sum(os.times()[2:4])


def test_there_are_subcommands():
    names = {words[0] for words in subcommands(cli.parser())}
    assert names >= {
        "reconstruct", "segment", "evaluate", "train", "finetune", "convert", "manifest", "demo", "info", "bundles",
    }  # fmt: skip


@pytest.mark.parametrize("words", subcommands(cli.parser()), ids=" ".join)
def test_help_needs_nothing_heavy(words):
    code = f"from monai_gan_recon.cli import main\ntry: main({[*words, '--help']})\nfinally: {HEAVY}"
    began = processor_time()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: monai-gan-recon " + " ".join(words))
    assert processor_time() - began < 1.0
    for action in subparser(words)._actions:
        assert action.help, f"{words} {action.dest} has no help"


@pytest.mark.parametrize(
    "words",
    [
        *(("reconstruct",), ("segment",), ("info",), ("evaluate", "--weights"), ("train",), ("finetune",)),
        *(("manifest", "build", "--output", "x"), ("manifest", "check"), ("regions", "--output_dir", "x")),
        ("report", __file__, "--labels"),
    ],
)
def test_a_missing_file_is_told_at_once(words, tmp_path):
    command = [sys.executable, "-m", "monai_gan_recon", *words, str(tmp_path / "nothing.nii.gz")]
    began = processor_time()
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert processor_time() - began < 2.0
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "nothing.nii.gz" in done.stderr


def test_an_option_of_another_subcommand_is_told(capsys):
    for words, told in (("--pattern", "evaluate"), ("--max_epoch", "--max_epochs")):
        with pytest.raises(SystemExit):
            cli.main(["finetune", "mine.json", words, "7"])
        assert told in capsys.readouterr().err


def test_no_library_shows_the_warnings_that_a_command_silences():
    code = "import warnings; warnings.simplefilter('ignore'); import monai_gan_recon.io"
    code += "; warnings.warn('of a library', DeprecationWarning)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_package_imports_nothing_heavy():
    code = f"import monai_gan_recon as mgr; assert mgr.__version__; {HEAVY}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)


def test_as_a_process():
    def run(*words):
        command = [sys.executable, "-m", "monai_gan_recon", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert run("--version").stdout.strip() == __version__
    assert run().returncode == run("nonsense").returncode == 2
    done = run("bundles", "path", "nonsense")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "nonsense" in done.stderr


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        (ValueError("a\n  b"), 1, "a b\n"),
        (FileNotFoundError(2, "not there", "x.nii"), 1, "x.nii: not there\n"),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted\n"),
        (KeyboardInterrupt("later"), INTERRUPTED, "interrupted; later\n"),
    ],
)
def test_errors_are_one_line_and_a_code(monkeypatch, capsys, error, code, printed):
    def fail(name):
        raise error

    monkeypatch.setattr(cli.bundles, "bundle_path", fail)
    assert cli.main(["bundles", "path", "x"]) == code
    assert capsys.readouterr().err == printed


def test_errors_of_the_program_keep_their_traceback(monkeypatch):
    def fail(name):
        raise error

    monkeypatch.setattr(cli.bundles, "bundle_path", fail)
    error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        cli.main(["bundles", "path", "x"])
    error = ValueError("a user's")
    monkeypatch.setenv(TRACEBACK_ENV, "1")
    with pytest.raises(ValueError, match="user"):
        cli.main(["bundles", "path", "x"])


@pytest.mark.parametrize("name", available_bundles())
def test_a_bundle_is_found_and_exported(tmp_path, capsys, name):
    assert cli.main(["bundles", "path", name]) == 0
    assert capsys.readouterr().out == f"{bundle_path(name)}\n"
    copy = tmp_path / "new" / "copy"
    assert cli.main(["bundles", "export", name, str(copy)]) == 0
    files = {
        file.relative_to(folder): file.read_bytes()
        for folder in (copy, bundle_path(name))
        for file in folder.rglob("*.*")
        if file.is_file()
    }
    assert {file.relative_to(copy): file.read_bytes() for file in copy.rglob("*.*") if file.is_file()} == files
    assert bundle_path(copy) == copy
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]
    assert cli.main(["bundles", "export", name, str(copy)]) == 1
    assert str(copy) in capsys.readouterr().err


def test_names_and_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert SEGMENTATION in available_bundles()
    (tmp_path / "mine.json").write_text(json.dumps({"testing": []}))
    assert manifest_path("mine.json").samefile(tmp_path / "mine.json")
    assert manifest_path("embedded").is_file()
    for find, name in ((manifest_path, "mine"), (bundle_path, tmp_path)):
        with pytest.raises(FileNotFoundError, match=r"mine|brain_mri"):
            find(name)
    with pytest.raises(ValueError, match="1107"):
        manifest_path(1107)
    (tmp_path / "volumes").mkdir()
    with pytest.raises(ValueError, match="manifest build volumes"):
        manifest_path("volumes")


@pytest.mark.parametrize(
    ("verbose", "heard"),
    [
        (0, ["own warning"]),
        (1, ["own warning", "own news"]),
        (2, ["own warning", "own news", "monai's warning", "monai's news"]),
    ],
)
def test_what_is_logged_and_that_nothing_of_it_stays(capsys, verbose, heard):
    loggers = [logging.getLogger(name) for name in (None, "monai_gan_recon", "monai")]
    before = [(list(logger.handlers), logger.level) for logger in loggers]
    with quiet(verbose):
        for logger, whose in zip(loggers[1:], ("own", "monai's"), strict=True):
            logger.getChild("part").warning("%s warning", whose)
            logger.getChild("part").info("%s news", whose)
        loggers[1].getChild("part").error("engine terminating due to exception: x")
        warnings.warn("of a framework", stacklevel=1) if verbose < 2 else None
    printed = capsys.readouterr()
    assert [line.rpartition(": ")[2] for line in printed.err.splitlines()] == heard
    assert printed.out == ""
    assert [(list(logger.handlers), logger.level) for logger in loggers] == before


def test_names_of_files_forge_no_lines(capsys, tmp_path):
    name = "a\nFORGED: all is well\x1b[2J.nii"
    with quiet(0):
        logging.getLogger("monai_gan_recon.io").warning("%s: %d of %s", tmp_path / name, 3, name)
    (tmp_path / name).touch()
    assert cli.main(["info", str(tmp_path / name)]) == 0
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert not {"\x1b", "FORGED"} & {line[:6] for line in (printed.out + printed.err).splitlines()}
    assert "\x1b" not in printed.out + printed.err


def test_a_reader_that_leaves_early_ends_the_command_quietly():
    code = "import os, sys; from monai_gan_recon.errors import exit_code; sys.exit(exit_code(lambda: print('x' * 99)))"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (UNREAD, "")
