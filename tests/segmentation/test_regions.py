"""The files of a report say what was measured; a failed report leaves nothing."""

import csv
import json

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_gan_recon.io import save_nifti
from monai_gan_recon.segmentation import regions
from monai_gan_recon.segmentation.regions import region_files, report_regions

AFFINE = np.array([[-2.0, 0, 0, 90], [0, 1, 0, -100], [0, 0, 1.5, -50], [0, 0, 0, 1]])


@pytest.fixture
def labels(tmp_path):
    values = np.zeros((10, 12, 8), dtype=np.uint8)
    values[1:4, 2:4, 1:3] = 2  # 12 voxels, 36 mm³
    values[6:8, 6:8, 4:5] = 3  # 4 voxels, 12 mm³
    values[9, 11, 7] = 3  # 1 voxel, 3 mm³
    return save_nifti(values, AFFINE, tmp_path / "labels" / "a.nii.gz")


def test_files_agree_with_each_other_and_with_the_truth(labels, tmp_path):
    count, written = report_regions(labels, tmp_path / "new", "p1.a", minimum_size_mm3=10, names={2: "gm"})
    files = region_files(tmp_path / "new", "p1.a")
    assert (count, written) == (2, list(files.values()))
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [
        "p1.a_instances.nii.gz",
        "p1.a_regions.csv",
        "p1.a_regions.json",
    ]
    image = nib.load(files["instances"])
    assert image.get_data_dtype() == np.uint8
    np.testing.assert_allclose(image.affine, AFFINE)
    found = np.asarray(image.dataobj)
    assert (found == 1).sum() == 12
    assert (found[6:8, 6:8, 4] == 2).all()
    assert (found == 2).sum() == 4

    report = json.loads(files["json"].read_text())
    assert report["classes"] == [
        {"label": 2, "name": "gm", "volume_ml": 0.036, "instances": 1},
        {"label": 3, "name": "class 3", "volume_ml": 0.015, "instances": 1},
    ]
    assert (report["shape"], report["spacing_mm"], report["voxel_volume_mm3"]) == (
        [10, 12, 8],
        [2.0, 1.0, 1.5],
        3.0,
    )
    first = report["instances"][0]
    assert (first["voxels"], first["volume_ml"], first["name"]) == (12, 0.036, "gm")
    assert (first["box_start"], first["box_stop"]) == ([1, 2, 1], [4, 4, 3])
    assert (first["world_min"], first["world_max"]) == ([83.0, -98.5, -49.25], [89.0, -96.5, -46.25])
    assert first["centroid_world"] == [86.0, -97.5, -47.75]

    with files["csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["instance"], row["label"], row["name"], row["voxels"]) for row in rows] == [
        ("1", "2", "gm", "12"),
        ("2", "3", "class 3", "4"),
    ]
    for row, region in zip(rows, report["instances"], strict=True):
        assert float(row["volume_ml"]) == region["volume_ml"]
        for measure in ("box_start", "box_stop", "centroid_voxel"):
            assert [float(row[f"{measure}_{a}"]) for a in "ijk"] == region[measure]
        for measure in ("world_min", "world_max", "centroid_world"):
            assert [float(row[f"{measure}_{a}"]) for a in "xyz"] == region[measure]


def test_existing_files_are_kept_unless_told(labels, tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    existing = region_files(folder, "a")["json"]
    existing.write_text("mine")
    with pytest.raises(ValueError, match="exists: say --overwrite"):
        report_regions(labels, folder)
    assert [p.name for p in folder.iterdir()] == [existing.name]
    report_regions(labels, folder, overwrite=True)
    assert json.loads(existing.read_text())["case"] == "a"


def test_a_report_that_fails_leaves_nothing(labels, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(regions, "_write_csv", full)
    with pytest.raises(OSError, match="free some space"):
        report_regions(labels, tmp_path / "results")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("largest", "dtype"), [(255, np.uint8), (256, np.uint16), (70000, np.int32), (2**31, np.int64)]
)
def test_labels_take_the_smallest_integers_that_hold_them(tmp_path, largest, dtype):
    path = save_nifti(torch.tensor([0, largest]).reshape(1, 2, 1, 1), np.eye(4), tmp_path / "a.nii")
    image = nib.load(path)
    assert image.get_data_dtype() == dtype
    assert np.asarray(image.dataobj).max() == largest
