"""The manifests that come with the package say what the data sets are, and their splits hold."""

import json

import pytest

from monai_gan_recon.data import load_manifest, manifest_problems
from monai_gan_recon.data.manifest import SECTIONS
from monai_gan_recon.resources import available_manifests, manifest_path


@pytest.mark.parametrize("name", available_manifests())
def test_every_manifest_states_its_terms(name):
    content = json.loads(manifest_path(name).read_text(encoding="utf-8"))
    for key in ("title", "description", "licence", "licence_url", "citation", "source"):
        assert len(content[key]) > 2, key
    assert content["name"] == name
    assert content["modality"].split()[0].strip(",") in {"T1w", "T2w", "FLAIR"}
    for section in SECTIONS:
        for entry in content.get(section, []):
            assert len(entry["sha256"]) == 64


@pytest.mark.parametrize("name", ["embedded", "embedded_train"])
def test_embedded_data_are_there_and_unchanged(name):
    assert manifest_problems(name) == []


def test_embedded_holds_the_tissue_maps():
    (entry,) = load_manifest("embedded").section("testing")
    assert entry["person"] == "MNI152"
    assert "_gm_" in entry["gray_matter"]
    assert "_wm_" in entry["white_matter"]


@pytest.mark.parametrize(
    ("name", "people", "scans"),
    [
        ("oasis_malc", (11, 3, 10), (11, 3, 11)),
        ("oasis_malc_manual", (11, 3, 10), (11, 3, 11)),
        ("ds002748", (11, 2, 3), (11, 2, 3)),
        ("ds000011", (3, 0, 2), (3, 0, 2)),
        ("ds002748_ds000011", (14, 2, 5), (14, 2, 5)),
    ],
)
def test_people_and_scans_of_each_split(name, people, scans):
    manifest = load_manifest(name)
    lists = [getattr(manifest, section) for section in SECTIONS]
    assert tuple(len({entry["person"] for entry in entries}) for entries in lists) == people
    assert tuple(len(entries) for entries in lists) == scans


def test_combined_manifest_keeps_the_splits_of_its_parts():
    combined = load_manifest("ds002748_ds000011")
    for part in ("ds002748", "ds000011"):
        single = load_manifest(part)
        for section in SECTIONS:
            hashes = {entry["sha256"] for entry in getattr(single, section)}
            assert hashes <= {entry["sha256"] for entry in getattr(combined, section)}


def test_oasis_repeated_person_is_tested_only():
    testing = {entry["image"].rsplit("/", 1)[-1]: entry["person"] for entry in load_manifest("oasis_malc").testing}
    assert testing["1003_T1w.nii.gz"] == testing["1023_T1w.nii.gz"] == "1003"


@pytest.mark.parametrize("name", ["oasis_malc", "oasis_malc_manual", "ds002748", "ds000011", "ds002748_ds000011"])
def test_real_data_match_the_manifests(name, data_dir):
    assert manifest_problems(name, hashes=name == "ds000011") == []
    assert manifest_problems(name, data_dir, hashes=False) == []


def test_manual_labels_are_of_the_same_scans_and_split():
    fast, manual = load_manifest("oasis_malc"), load_manifest("oasis_malc_manual")
    for section in SECTIONS:
        pairs = zip(getattr(fast, section), getattr(manual, section), strict=True)
        for one, other in pairs:
            assert (one["person"], one["sha256"]) == (other["person"], other["sha256"])
            assert one["label_sha256"] != other["label_sha256"]
