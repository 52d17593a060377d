"""Reading of manifests: names, folders, and refusal of leakage and malformed files."""

import json
from pathlib import Path

import pytest

from monai_gan_recon.data.manifest import load_manifest, resolve
from monai_gan_recon.resources import available_manifests


@pytest.fixture(autouse=True)
def no_shared_data(monkeypatch):
    monkeypatch.delenv("MONAI_GAN_RECON_DATA", raising=False)


def test_paths_become_absolute_beside_the_manifest(write_manifest, tmp_path):
    path, content = write_manifest()
    manifest = load_manifest(path)
    assert manifest.dataset_dir == tmp_path / "set"
    assert [Path(entry["image"]) for entry in manifest.testing] == [
        tmp_path / "set/c0.nii.gz",
        tmp_path / "set/c1.nii.gz",
    ]
    assert manifest.testing[0]["sha256"] == content["testing"][0]["sha256"]
    assert manifest.name == "small"


@pytest.mark.parametrize("given", ["set", "."])
def test_dataset_dir_is_the_data_folder_or_its_parent(write_manifest, tmp_path, given):
    path, _ = write_manifest()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = path.rename(elsewhere / path.name)
    entries = load_manifest(moved, tmp_path / given).section("training")
    assert Path(entries[0]["image"]).is_file()


def test_environment_names_the_parent_of_the_data(write_manifest, tmp_path, monkeypatch):
    path, _ = write_manifest()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = path.rename(elsewhere / path.name)
    monkeypatch.setenv("MONAI_GAN_RECON_DATA", str(tmp_path))
    assert load_manifest(moved).dataset_dir == tmp_path / "set"


def test_own_manifest_is_found_though_the_environment_names_another_folder(write_manifest, tmp_path, monkeypatch):
    path, _ = write_manifest()
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("MONAI_GAN_RECON_DATA", str(tmp_path / "other"))
    assert load_manifest(path).dataset_dir == tmp_path / "set"


def test_one_person_in_two_splits_is_refused_across_sessions(write_manifest):
    path, content = write_manifest()
    content["validation"][0]["person"] = "a"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="person 'a' is in training and validation"):
        load_manifest(path)


def test_missing_image_is_named_with_a_way_out(write_manifest, tmp_path):
    path, _ = write_manifest()
    (tmp_path / "set/c1.nii.gz").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"1 of 2 testing files are missing.*c1\.nii\.gz.*--dataset_dir"
    ) as info:
        load_manifest(path).section("testing")
    assert "\n" not in str(info.value)
    assert len(load_manifest(path).section("training")) == 1


@pytest.mark.parametrize("value", [[], None])
def test_empty_section_is_refused(write_manifest, value):
    path, content = write_manifest()
    content.pop("testing")
    if value is not None:
        content["testing"] = value
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="no testing entries"):
        load_manifest(path).section("testing")


def test_unknown_section(write_manifest):
    with pytest.raises(ValueError, match="unknown section 'test'"):
        load_manifest(write_manifest()[0]).section("test")


@pytest.mark.parametrize("name", ["no_such_set", "missing.json", "../x"])
def test_unknown_manifest_lists_the_known_ones(name, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(FileNotFoundError, match="embedded, embedded_train"):
        load_manifest(name)


def test_nothing_is_no_name():
    with pytest.raises(ValueError, match="name of a data manifest"):
        load_manifest("")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "no valid JSON"),
        ("[]", "not a data manifest"),
        ('{"title": "x"}', "not a data manifest"),
        ('{"training": {}}', "must be a list"),
        ('{"training": ["a.nii"]}', "must be an object"),
        ('{"training": [{"image": "a.nii"}]}', "no 'person'"),
        ('{"training": [{"person": "a"}]}', "no 'image'"),
        ('{"training": [{"person": "a", "image": "/etc/passwd"}]}', "must be relative"),
        ('{"training": [{"person": "a", "image": "x/../../y.nii"}]}', "must be relative"),
        ('{"training": [{"person": "a", "image": "package://os/../y.nii"}]}', "must be relative"),
        ('{"training": [{"person": "a", "image": "a.nii", "label": "../b.nii"}]}', "must be relative"),
        ('{"training": [{"person": "a", "image": "\\ud800.nii"}]}', "must be relative"),
        ('{"root": "../x", "training": []}', "root"),
        ('{"root": "/x", "training": []}', "root"),
        ("[" * 100_000, "no valid JSON"),
        ('{"training": [{"person": "a", "image": "a.nii", "label": null}]}', "None"),
        ('{"training": [{"person": "a", "image": "a.nii", "sha256": ["x"]}]}', "sha256"),
        ('{"training": [{"person": "P0", "image": "a"}, {"person": "p0 ", "image": "b"}]}', "two people"),
        ('{"training": [], "title": ["x"]}', "title"),
        ('{"training": [], "licence": null}', "licence"),
        ('{"training": [], "training": [{"person": "a", "image": "a.nii"}]}', "twice"),
        ('{"training": [{"person": "a", "image": "a.nii", "session": 1}]}', "session"),
        *(
            (
                '{"training": [{"person": "a", "image": "a.nii", "repeat": VALUE}]}'.replace("VALUE", value),
                "repeat",
            )
            for value in ("NaN", '"3"', "0", "1.5", "true", "null", "[2]", "1e400", "1001")
        ),
    ],
)
def test_malformed_manifest(tmp_path, text, match):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=match) as info:
        load_manifest(path)
    assert "\n" not in str(info.value)


def test_a_mark_of_the_order_of_bytes_is_no_fault(write_manifest):
    path, _ = write_manifest()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_manifest(path).testing


def test_nothing_in_a_manifest_is_executed(write_manifest, tmp_path):
    path, content = write_manifest()
    content["source"] = f"$open('{tmp_path}/ran', 'w')"
    path.write_text(json.dumps(content))
    assert load_manifest(path).source.startswith("$open")
    assert not (tmp_path / "ran").exists()


def test_package_path_needs_the_package(tmp_path):
    with pytest.raises(FileNotFoundError, match="'no_such_package' is not installed"):
        resolve("package://no_such_package/a.nii.gz", tmp_path)


def test_package_is_located_without_importing_it(tmp_path, monkeypatch):
    package = tmp_path / "package_with_side_effect"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    found = resolve("package://package_with_side_effect/a.nii.gz", Path("/nowhere"))
    assert found == str(package / "a.nii.gz")


def test_shipped_names():
    expected = {"ds000011", "ds002748", "ds002748_ds000011", "embedded", "embedded_train", "oasis_malc"}
    assert expected <= set(available_manifests())
