"""A built manifest is split by person; the command writes what the reader accepts."""

import contextlib
import json

import numpy as np
import pytest

from monai_gan_recon.cli import main
from monai_gan_recon.data import load_manifest, manifest_problems
from monai_gan_recon.data.build_manifest import build_manifest, find_images, split_people
from monai_gan_recon.data.manifest import read_manifest


@pytest.fixture
def bids(write_nifti, tmp_path):
    for person in range(5):
        for session in (1, 2):
            array = np.full((4, 4, 4), person * 2.0 + session, dtype=np.float32)
            stem = f"bids/sub-{person:02d}/ses-{session}/anat/sub-{person:02d}_ses-{session}"
            write_nifti(f"{stem}_T1w.nii.gz", array)
            write_nifti(f"{stem}_T2w.nii.gz", array)
    write_nifti("bids/derivatives/sub-00/anat/sub-00_T1w.nii.gz", np.ones((4, 4, 4), dtype=np.float32))
    return tmp_path / "bids"


def test_bids_folder_gives_people_and_sessions(bids):
    entries = find_images(bids)
    assert len(entries) == 10
    assert entries[0]["image"] == "sub-00/ses-1/anat/sub-00_ses-1_T1w.nii.gz"
    assert entries[0]["person"] == "sub-00"
    assert [entry["session"] for entry in entries[:2]] == ["ses-1", "ses-2"]
    assert all("T2w" in entry["image"] for entry in find_images(bids, "T2w"))


def test_plain_folder_gives_one_person_a_file(write_nifti, tmp_path):
    for name in ("1000_T1w.nii.gz", "1001_T1w.nii", "1001_fast.nii.gz"):
        write_nifti(f"plain/{name}", np.ones((4, 4, 4), dtype=np.float32))
    assert [e["person"] for e in find_images(tmp_path / "plain", "T1w")] == ["1000", "1001"]
    assert [e["person"] for e in find_images(tmp_path / "plain")] == ["1000_T1w", "1001_T1w", "1001_fast"]


def test_label_maps_among_images_are_told(write_nifti, tmp_path, caplog):
    write_nifti("plain/a.nii.gz", np.random.default_rng(0).random((8, 8, 4)).astype(np.float32))
    write_nifti("plain/a_seg.nii.gz", np.kron(np.eye(2)[..., None], np.ones((4, 4, 4))).astype(np.uint8))
    find_images(tmp_path / "plain")
    (line,) = caplog.messages
    assert "a_seg.nii.gz" in line


def test_copies_under_two_names_are_refused(write_nifti, tmp_path):
    for name in ("a", "b", "copy_of_a"):
        write_nifti(f"plain/{name}.nii.gz", np.full((4, 4, 4), ord(name[-1]), dtype=np.float32))
    with pytest.raises(ValueError, match=r"a\.nii\.gz and copy_of_a\.nii\.gz"):
        build_manifest(tmp_path / "plain", tmp_path / "mine.json")


def test_a_plain_folder_says_that_files_count_as_people(write_nifti, bids, tmp_path, capsys):
    for name in "abc":
        write_nifti(f"plain/{name}.nii.gz", np.full((4, 4, 4), ord(name), dtype=np.float32))
    for folder, said in ((tmp_path / "plain", True), (bids, False)):
        output = tmp_path / f"{folder.name}.json"
        main(["manifest", "build", str(folder), "--output", str(output)])
        assert ("count as a person each" in capsys.readouterr().out) is said
        assert ("count as a person each" in json.loads(output.read_text())["description"]) is said


def test_built_manifest_passes_the_check(bids, tmp_path, capsys):
    output = tmp_path / "manifests/mine.json"
    arguments = [
        "manifest",
        "build",
        str(bids),
        "--output",
        str(output),
        "--fractions",
        "0.6,0.2,0.2",
        "--licence",
        "CC0",
        "--seed",
        "3",
    ]
    assert main(arguments) == 0
    assert "6 training, 2 validation, 2 testing" in capsys.readouterr().out
    assert manifest_problems(output, bids) == []  # not below the manifest: its folder is given
    manifest = load_manifest(output, bids)
    assert (manifest.name, manifest.dataset_dir) == ("mine", bids)
    assert read_manifest(output)[1]["licence"] == "CC0"
    assert [p.name for p in output.parent.iterdir()] == ["mine.json"]


def test_existing_file_is_kept_unless_told(bids, tmp_path):
    output = tmp_path / "x.json"
    output.write_text("mine")
    assert main(["manifest", "build", str(bids), "--output", str(output)]) == 1
    assert output.read_text() == "mine"
    assert main(["manifest", "build", str(bids), "--output", str(output), "--overwrite"]) == 0
    assert json.loads(output.read_text())["name"] == "x"


@pytest.mark.parametrize(
    ("fractions", "sizes"),
    [
        ((0.7, 0.1, 0.2), (14, 2, 4)),
        ((0, 0, 1), (0, 0, 20)),
        ((0.9, 0.05, 0.05), (18, 1, 1)),
        ((0.98, 0.01, 0.01), (18, 1, 1)),
    ],
)
def test_split_is_a_partition_of_the_people(fractions, sizes):
    people = [f"p{n}" for n in range(20)] * 2
    split = split_people(people, fractions, seed=5)
    assert tuple(len(split.get(s, [])) for s in ("training", "validation", "testing")) == sizes
    assert sorted(person for part in split.values() for person in part) == sorted(set(people))
    assert split == split_people(list(reversed(people)), fractions, seed=5)
    if min(sizes) > 0:
        assert split != split_people(people, fractions, seed=6)


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["--fractions", "0.5,0.5"], 1, "three numbers"),
        (["--fractions", "0.9,0.9,0.1"], 1, "add up to 1"),
        (["--fractions", "a,b,c"], 2, "--fractions"),
        (["--suffix", "FLAIR"], 1, "FLAIR"),
    ],
)
def test_wrong_use_is_told(bids, tmp_path, capsys, arguments, code, word):
    command = ["manifest", "build", str(bids), "--output", str(tmp_path / "x.json"), *arguments]
    with contextlib.ExitStack() as stack:
        if code == 2:
            stack.enter_context(pytest.raises(SystemExit, match="2"))
        assert main(command) == code
    assert word in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        build_manifest(tmp_path / "none", tmp_path / "x.json")


def test_fewer_people_than_lists():
    with pytest.raises(ValueError, match="2 people cannot be split over 3 lists"):
        split_people(["a", "b"], (0.4, 0.3, 0.3))
