"""One scan: reconstruction on the file's grid, reference labels, the figure."""

import nibabel as nib
import numpy as np
import paired_phantom as phantom
import pytest
import torch
from matplotlib.image import imread
from monai.data import MetaTensor

from monai_gan_recon.evaluation.paired.scan import BundleReconstruction, PairedScan, dice_text
from monai_gan_recon.evaluation.segmentation_figure import DISAGREEMENT, FigureColumn, segmentation_figure
from monai_gan_recon.io import load_volume
from monai_gan_recon.resources import RECONSTRUCTION, bundle_path
from monai_gan_recon.segmentation.labels import TISSUES, ReferenceLabels, reference_labels

OBLIQUE = np.array([[-1.5, 0, 0.2, 30], [0.0, -2.0, 0, 40], [0.2, 0, 1.5, -20], [0, 0, 0, 1]])


@pytest.fixture
def scan_file(tmp_path):
    phantom.save(phantom.head(phantom.tissues()), tmp_path / "head.nii.gz", OBLIQUE)
    return tmp_path / "head.nii.gz"


def reconstruction(folder, **options):
    options = {"size": None, "rate": 0.5, "weights": phantom.write_weights(folder), **phantom.TINY, **options}
    return BundleReconstruction(bundle_path(RECONSTRUCTION), **options)


def test_reconstruction_is_on_the_grid_and_in_the_intensities_of_the_file(scan_file, tmp_path):
    reconstruct = reconstruction(tmp_path, rate=1.0)
    images = reconstruct({"image": str(scan_file), "case": "head"})
    full = nib.load(scan_file)
    for image in images.values():
        assert tuple(image.shape[1:]) == phantom.SHAPE
        np.testing.assert_allclose(image.affine, full.affine, atol=1e-5)
        np.testing.assert_allclose(image[0].numpy(), full.get_fdata(), atol=0.5)  # all of k-space was measured
    assert reconstruct.sampled_fraction == 1


def test_undersampling_is_that_of_the_bundle(scan_file, tmp_path):
    entry = {"image": str(scan_file), "case": "head"}
    half = reconstruction(tmp_path, rate=0.5)
    images, again = half(entry), reconstruction(tmp_path, rate=0.5)(entry)
    assert half.sampled_fraction == pytest.approx(0.5, abs=0.02)
    assert torch.equal(images["zero_filled"], again["zero_filled"])  # the mask depends on the case's name only
    errors = [float((images[name] - images["original"]).norm()) for name in ("original", "zero_filled")]
    assert errors[0] == 0
    assert errors[1] > 100
    other = reconstruction(tmp_path, rate=0.5, seed=1)
    assert half.config_hash != other.config_hash


def test_results_of_another_precision_or_of_other_weights_are_others(tmp_path):
    single = reconstruction(tmp_path, amp=False)
    assert single.config_hash == reconstruction(tmp_path, amp=False).config_hash
    assert single.config_hash != reconstruction(tmp_path, amp=True).config_hash
    weights = torch.load(phantom.write_weights(tmp_path), weights_only=True)
    first = next(iter(weights))
    torch.save(weights | {first: weights[first] + 1}, tmp_path / "moved.pt")
    assert single.config_hash != reconstruction(tmp_path, amp=False, weights=tmp_path / "moved.pt").config_hash


def test_size_that_cuts_the_brain_off_is_refused(scan_file, tmp_path):
    with pytest.raises(ValueError, match=r"slices of 24 x 40 cut off .*--size null"):
        reconstruction(tmp_path, size=[24, 40])({"image": str(scan_file), "case": "head"})
    padded = reconstruction(tmp_path, size=[64, 48])({"image": str(scan_file), "case": "head"})
    assert tuple(padded["reconstruction"].shape[1:]) == phantom.SHAPE


def test_scan_scores_what_it_segments(scan_file, tmp_path):
    labels = tmp_path / "labels.nii.gz"
    phantom.save(phantom.tissues(0.9), labels, OBLIQUE)
    entry = {"image": str(scan_file), "case": "head", "person": "anna", "label": str(labels)}
    scan = PairedScan(entry, phantom.by_thresholds)
    darker = scan.image * 0.5  # CSF at 150, gray matter at 300, white matter at 450
    comparison = scan.compare({"zero_filled": darker, "reconstruction": scan.image})
    rows = {(row.method, row.against): row.scores["dice"] for row in comparison.rows}
    assert rows["reconstruction", "original"] == {"csf": 1, "gm": 1, "wm": 1}
    assert rows["zero_filled", "original"]["wm"] == 0
    assert rows["original", "labels"] == rows["reconstruction", "labels"]
    assert 0.5 < rows["original", "labels"]["wm"] < 0.95
    assert dice_text(comparison.rows[1]) == "Dice CSF 1.000   GM 1.000   WM 1.000"
    assert [column.heading for column in comparison.columns] == ["Zero-filled", "Reconstruction"]


def test_all_images_of_a_head_are_segmented_in_the_brain_of_the_original(scan_file):
    image = load_volume(scan_file)
    brain = image.as_tensor() > 450
    scan = PairedScan({"image": str(scan_file), "case": "head", "person": "anna"}, phantom.ByThresholds(core=True))
    shown = scan.segment(scan.image * 0 + 900)
    assert torch.equal(shown.as_tensor() > 0, brain)
    assert not (scan.original.as_tensor()[~brain] > 0).any()


def test_maps_of_gray_and_white_matter_are_labels_of_these_only(scan_file, tmp_path):
    truth = phantom.tissues()
    for name, label in (("gray", 2), ("white", 3)):
        phantom.save((0.8 * (truth == label)).astype(np.float32), tmp_path / f"{name}.nii.gz", OBLIQUE)
    entry = {"image": str(scan_file), "gray_matter": str(tmp_path / "gray.nii.gz")}
    image = load_volume(scan_file)
    assert reference_labels(entry, image) is None
    entry["white_matter"] = str(tmp_path / "white.nii.gz")
    found = reference_labels(entry, image)
    assert found.tissues == {2: "gm", 3: "wm"}
    for label in found.tissues:
        assert np.array_equal(found.labels[0].numpy() == label, truth == label)
    phantom.save(truth.astype(np.float32), tmp_path / "white.nii.gz")
    with pytest.raises(ValueError, match=r"white\.nii\.gz"):
        reference_labels(entry, image)


def volume(array):
    return MetaTensor(torch.as_tensor(array)[None], affine=torch.as_tensor(OBLIQUE))


def reds(path):
    """Pixels whose colour is that of the disagreement overlay, the legend left out."""
    picture = imread(path)[..., :3]
    red = np.array([int(DISAGREEMENT[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    strong = (picture[..., 0] - picture[..., 1] > 0.5) & (np.abs(picture - red).max(axis=-1) < 0.25)
    return int(strong[: -picture.shape[0] // 12].sum())


@pytest.mark.parametrize("with_reference", [True, False])
def test_figure_shows_where_labels_differ(tmp_path, with_reference):
    truth = phantom.tissues()
    image, labels = volume(phantom.head(truth)), volume(truth)
    reference = ReferenceLabels(labels, TISSUES) if with_reference else None
    smaller = volume(phantom.tissues(0.85))
    same = [FigureColumn("Original", image, labels), FigureColumn("Copy", image, labels)]
    other = [same[0], FigureColumn("Smaller", image, smaller, "Dice"), same[1]]
    equal = segmentation_figure(same, tmp_path / "a" / "equal.png", "title", reference)
    different = segmentation_figure(other, tmp_path / "a" / "different.png", "title", reference)
    assert reds(equal) == 0
    assert reds(different) > 1000
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["different.png", "equal.png"]
    assert imread(different).shape[1] == pytest.approx(1.5 * imread(equal).shape[1], abs=2)


def test_figure_without_tissue_can_be_drawn(tmp_path):
    nothing = volume(np.zeros(phantom.SHAPE, np.uint8))
    image = volume(phantom.head(phantom.tissues()))
    columns = [FigureColumn("Original", image, nothing)] * 2
    assert segmentation_figure(columns, tmp_path / "x.png").is_file()
