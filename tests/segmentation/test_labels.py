import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.segmentation.labels import (
    LoadTissueLabelsd,
    check_grid,
    check_labels,
    labelled_entries,
    labels_of_maps,
    reference_labels,
    validation_entries,
)


def volume(values, affine=None):
    return MetaTensor(torch.as_tensor(values), affine=torch.eye(4) if affine is None else affine)


@pytest.fixture
def good():
    labels = torch.zeros(1, 4, 5, 6, dtype=torch.uint8)
    labels[0, 1:3, 1:3, 1] = torch.tensor([[1, 2], [3, 3]])
    return labels


def test_good_labels_pass(good):
    check_labels(volume(good), "labels.nii.gz")
    check_labels(good.float(), "labels.nii.gz")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda labels: volume(labels + 1), "value 4"),
        (lambda labels: volume(labels * 0.5), "value 0.5"),
        (lambda labels: volume(labels.float() - 2), "value -2"),
        (lambda labels: volume(labels * 0), "no tissue at all"),
    ],
)
def test_labels_that_do_not_fit(good, spoil, message):
    with pytest.raises(ValueError, match=message):
        check_labels(spoil(good), "labels.nii.gz")


def test_labels_on_another_grid(good):
    image = volume(torch.ones(1, 4, 5, 6))
    with pytest.raises(ValueError, match=r"3 x 5 x 6 voxels.*4 x 5 x 6"):
        check_grid(volume(good[:, :-1]), image, "labels.nii.gz")
    with pytest.raises(ValueError, match="affine differs"):
        check_grid(volume(good, torch.diag(torch.tensor([1.0, 1, 1.01, 1]))), image, "labels.nii.gz")


def test_maps_become_the_likeliest_tissue():
    gray, white = np.array([0.6, 0.2, 0.1, 0.0, 0.0]), np.array([0.3, 0.7, 0.1, 0.0, 0.0])
    image = np.array([5.0, 5, 5, 5, 0])
    assert labels_of_maps(gray, white, image).tolist() == [2, 3, 1, 1, 0]


def test_labels_are_read_from_a_label_file_or_from_maps(tmp_path):
    truth = np.zeros((20, 20, 20), np.float32)
    truth[2:, :, :], truth[8:, :, :], truth[14:, :, :] = 1, 2, 3
    image = np.where(truth > 0, 10.0 * truth, 0).astype(np.float32)
    for name, array in {"image": image, "label": truth, "gm": truth == 2, "wm": truth == 3}.items():
        nib.save(nib.Nifti1Image(array.astype(np.float32), np.eye(4)), tmp_path / f"{name}.nii.gz")
    loaded = {"image": volume(image[None])}
    by_file = LoadTissueLabelsd()({**loaded, "label": tmp_path / "label.nii.gz"})["label"]
    by_maps = LoadTissueLabelsd()(
        {**loaded, "gray_matter": tmp_path / "gm.nii.gz", "white_matter": tmp_path / "wm.nii.gz"}
    )["label"]
    assert by_file.dtype == by_maps.dtype == torch.uint8
    assert torch.equal(by_file.as_tensor(), by_maps.as_tensor())
    assert np.array_equal(by_file[0].numpy(), truth)
    assert reference_labels({}, loaded["image"]) is None
    with pytest.raises(ValueError, match="no tissue labels"):
        LoadTissueLabelsd()(loaded)


def test_embedded_template_has_labels_but_no_validation(caplog):
    (training,) = labelled_entries("embedded_train", section="training")
    (validation,) = validation_entries("embedded_train")
    assert training["image"] == validation["image"]
    assert "no labelled validation images" in caplog.text
    with pytest.raises(ValueError, match="no tissue labels"):
        labelled_entries("embedded_train", section="validation")


def test_manifest_without_labels_is_refused(data_dir):
    with pytest.raises(ValueError, match="no tissue labels"):
        labelled_entries("ds002748", data_dir, "testing")
