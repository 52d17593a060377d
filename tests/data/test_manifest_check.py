"""The check of manifests finds each kind of fault."""

import json

import pytest

from monai_gan_recon.cli import main
from monai_gan_recon.data.manifest_check import manifest_problems


def _leak(content, folder):
    content["testing"][1]["person"] = "a"


def _twice(content, folder):
    content["testing"].append(dict(content["testing"][0]))


def _copy(content, folder):
    (folder / "copy.nii.gz").write_bytes((folder / "a0.nii.gz").read_bytes())
    content["testing"].append(content["training"][0] | {"image": "copy.nii.gz", "person": "d"})


def _missing(content, folder):
    (folder / "b0.nii.gz").unlink()


def _changed(content, folder):
    (folder / "b0.nii.gz").write_bytes(b"something else")


def _empty(content, folder):
    content["validation"] = []


def _no_hash(content, folder):
    del content["validation"][0]["sha256"]


def _label(content, folder):
    content["validation"][0] |= {"label": "c0.nii.gz", "label_sha256": "0" * 64}


def test_good_manifest_has_no_problems(write_manifest, capsys):
    path, _ = write_manifest()
    assert manifest_problems(path) == []
    assert main(["manifest", "check", str(path)]) == 0
    assert "no problems" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (_leak, "person 'a' is in training and testing"),
        (_twice, "c0.nii.gz is listed twice"),
        (_copy, "copy.nii.gz has the same content as a0.nii.gz"),
        (_missing, "b0.nii.gz is missing"),
        (_changed, "b0.nii.gz has another sha256"),
        (_empty, "validation: the list is empty"),
        (_no_hash, "b0.nii.gz has no sha256"),
        (_label, "c0.nii.gz has another sha256"),
    ],
)
def test_each_fault_is_one_line(write_manifest, tmp_path, capsys, spoil, match):
    path, content = write_manifest()
    spoil(content, tmp_path / "set")
    path.write_text(json.dumps(content))
    problems = manifest_problems(path)
    assert len(problems) == 1
    assert match in problems[0]
    assert "\n" not in problems[0]
    assert main(["manifest", "check", str(path), "--dataset_dir", str(tmp_path / "set")]) == 1
    assert capsys.readouterr().out.splitlines() == problems


def test_without_hashes_only_presence_counts(write_manifest, tmp_path):
    path, _ = write_manifest()
    (tmp_path / "set/b0.nii.gz").write_bytes(b"something else")
    assert manifest_problems(path, hashes=False) == []


def test_unknown_manifest_fails(capsys):
    assert main(["manifest", "check", "no_such_set"]) == 1
    assert "no_such_set" in capsys.readouterr().err
