"""The command on files: results, and one clear line for bad input."""

import json

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from monai_gan_recon.cli import main
from monai_gan_recon.io import load_label_volume
from monai_gan_recon.segmentation.regions import report_regions


@pytest.fixture
def label_file(tmp_path):
    values = np.zeros((12, 12, 6), dtype=np.int16)
    values[1:4, 1:4, 1:4] = 1  # 27 voxels, 81 mm³
    values[8:10, 8:10, 2:4] = 4  # 8 voxels, 24 mm³
    values[11, 0, 5] = 4  # 1 voxel, 3 mm³
    path = tmp_path / "p1_labels.nii.gz"
    nib.save(nib.Nifti1Image(values, np.diag([1.0, 1.0, 3.0, 1.0])), path)
    return path


def test_command_writes_the_report(label_file, tmp_path, capsys):
    output = tmp_path / "out"
    arguments = ["regions", str(label_file), "--output_dir", str(output)]
    assert main([*arguments, "--minimum_size_mm3", "10", "--names", "1=tumour", "4=oedema"]) == 0
    assert "p1_labels.nii.gz: 2 instances" in capsys.readouterr().out
    report = json.loads((output / "p1_labels_regions.json").read_text())
    assert [(r["name"], r["voxels"], r["volume_ml"]) for r in report["instances"]] == [
        ("tumour", 27, 0.081),
        ("oedema", 8, 0.024),
    ]
    instances = nib.load(output / "p1_labels_instances.nii.gz")
    np.testing.assert_array_equal(np.bincount(np.asarray(instances.dataobj).ravel()), [829, 27, 8])
    assert main(arguments) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite", "--classes", "4", "--connectivity", "6"]) == 0
    report = json.loads((output / "p1_labels_regions.json").read_text())
    assert [r["voxels"] for r in report["instances"]] == [8, 1]


def test_itk_files_land_in_ras(label_file, tmp_path):
    image = sitk.GetImageFromArray(np.asarray(nib.load(label_file).dataobj).T)
    image.SetSpacing((1, 1, 3))
    image.SetOrigin((10, 20, 30))
    sitk.WriteImage(image, tmp_path / "labels.nrrd")
    labels = load_label_volume(tmp_path / "labels.nrrd")
    np.testing.assert_array_equal(labels[0].numpy(), np.asarray(nib.load(label_file).dataobj))
    np.testing.assert_allclose(labels.affine, [[-1, 0, 0, -10], [0, -1, 0, -20], [0, 0, 3, 30], [0, 0, 0, 1]])


def test_an_image_is_no_label_map(tmp_path):
    path = tmp_path / "image.nii"
    nib.save(nib.Nifti1Image(np.arange(1000, dtype=np.int16).reshape(10, 10, 10), np.eye(4)), path)
    with pytest.raises(ValueError, match="1000 different values"):
        report_regions(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("value", "message"),
    [(0, "no voxel is labelled"), (float("nan"), "value nan"), (0.5, "value 0.5"), (-2, "value -2")],
)
def test_bad_label_maps_end_in_one_line(tmp_path, capsys, value, message):
    path = tmp_path / "bad.nii"
    nib.save(nib.Nifti1Image(np.full((4, 4, 4), value, dtype=np.float32), np.eye(4)), path)
    assert main(["regions", str(path), "--output_dir", str(tmp_path / "out")]) == 1
    line = capsys.readouterr().err
    assert str(path) in line
    assert message in line
    assert line.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.nii.gz"], "nowhere.nii.gz"),
        (["LABELS", "--minimum_size_mm3", "-1"], "minimum_size_mm3"),
        (["LABELS", "--connectivity", "8"], "connectivity"),
    ],
)
def test_bad_options_end_in_one_line(label_file, tmp_path, capsys, arguments, message):
    arguments = [str(label_file) if argument == "LABELS" else argument for argument in arguments]
    assert main(["regions", *arguments, "--output_dir", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_names_are_pairs(label_file, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["regions", str(label_file), "--output_dir", str(tmp_path), "--names", "tumour"])
    assert "tumour" in capsys.readouterr().err


def test_instances_lie_in_the_space_that_the_labels_name(label_file, tmp_path):
    """Template codes stay what they are."""
    image = nib.load(label_file)
    image.set_sform(image.affine, 4)
    image.set_qform(image.affine, 2)
    nib.save(image, tmp_path / "mni.nii.gz")
    assert main(["regions", str(tmp_path / "mni.nii.gz"), "--output_dir", str(tmp_path / "out")]) == 0
    header = nib.load(tmp_path / "out/mni_instances.nii.gz").header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (4, 2)


def test_atlas_ids_that_float32_would_merge(tmp_path):
    labels = np.zeros((8, 6, 4), np.int32)
    labels[1:3], labels[3:6] = 312_782_546, 312_782_550
    nib.save(nib.Nifti1Image(labels, np.eye(4)), tmp_path / "atlas.nii.gz")
    assert main(["regions", str(tmp_path / "atlas.nii.gz"), "--output_dir", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out/atlas_regions.json").read_text())
    assert [(r["label"], r["voxels"]) for r in report["instances"]] == [(312_782_546, 48), (312_782_550, 72)]
