"""``run inference`` of the tissue segmentation bundle, as users run it, with a network that thresholds."""

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest
import torch
from brain_phantom import LAS, OBLIQUE, dice, save, t1_image, tissues

from monai_gan_recon.io import load_volume
from monai_gan_recon.segmentation.labels import TISSUES
from monai_gan_recon.segmentation.segmenter import TissueSegmenter

CONFIG = "inference.yaml"


@pytest.fixture
def brain(tmp_path):
    """File of a phantom of 1 mm."""
    (tmp_path / "in").mkdir()
    return save(tmp_path / "in" / "brain.nii.gz", t1_image(tissues()))


def test_labels_lie_on_the_grid_of_the_image(run_bundle, bundle, brain, tmp_path):
    out = tmp_path / "out"
    error, printed = run_bundle(CONFIG, "--input", brain, "--output_dir", out, run_id="inference")
    assert error is None
    written = nib.load(out / "brain_tissues.nii.gz")
    assert written.get_data_dtype() == np.uint8
    assert np.array_equal(written.affine, LAS)
    assert (np.asarray(written.dataobj) == tissues()).mean() > 0.999
    assert "CSF" in printed.out
    assert "ml" in printed.out
    written_files = sorted(file.name for file in out.iterdir())
    names = ["tissues.json", "tissues.nii.gz", "tissues_preview.png", "tissues_report.html"]
    assert written_files == [f"brain_{name}" for name in names]
    page = (out / "brain_tissues_report.html").read_text()
    assert "no reference" in page
    for label, name in enumerate(("CSF", "GM", "WM"), 1):
        volume = (np.asarray(written.dataobj) == label).sum() * abs(np.linalg.det(LAS[:3, :3])) / 1000
        assert f">{name}</th><td>{volume:.1f} ml<" in page

    segmenter = TissueSegmenter.from_bundle(bundle)  # the same from Python
    labels = segmenter(load_volume(brain))
    assert labels.dtype == torch.uint8
    assert np.array_equal(labels[0].numpy(), np.asarray(written.dataobj))
    assert np.allclose(labels.affine.numpy(), LAS)

    error, skipped = run_bundle(CONFIG, "--input", brain, "--output_dir", out)
    assert error is None
    assert "--overwrite" in skipped.out
    error, _ = run_bundle(CONFIG, "--input", brain, "--output_dir", out, "--overwrite", "True")
    assert error is None


def test_regions_of_the_tissues(run_bundle, brain, tmp_path):
    out = tmp_path / "out"
    arguments = [
        "--input",
        brain,
        "--output_dir",
        out,
        "--save_regions",
        "True",
        "--minimum_size_mm3",
        "50",
        "--report",
        "False",
    ]
    error, _ = run_bundle(CONFIG, *arguments)
    assert error is None
    names = ["instances.nii.gz", "regions.csv", "regions.json", "tissues.json", "tissues.nii.gz"]
    names = [f"brain_{name}" for name in names]
    assert sorted(file.name for file in out.iterdir()) == names
    labels, instances = (np.asarray(nib.load(out / name).dataobj) for name in (names[4], names[0]))
    report = json.loads((out / "brain_regions.json").read_text())
    for instance in report["instances"]:
        voxels = instances == instance["instance"]
        assert set(labels[voxels]) == {instance["label"]}
        assert voxels.sum() == instance["voxels"] == round(1000 * instance["volume_ml"])
    assert {c["name"]: c["volume_ml"] for c in report["classes"]} == pytest.approx(
        {name: (labels == label).sum() / 1000 for label, name in TISSUES.items()}
    )
    (out / names[4]).unlink()  # a volume is done when all its files are
    assert run_bundle(CONFIG, *arguments)[0] is None
    assert sorted(file.name for file in out.iterdir()) == names


def test_dicom_out_is_a_segmentation_and_a_report(run_bundle, write_series, tmp_path):
    values = np.ascontiguousarray(t1_image(tissues()).round().astype(np.uint16).T)
    write_series(tmp_path / "series", values=values, spacing=(1.0, 1.0, 1.0))
    options = ["--input", tmp_path / "series", "--output_dir", tmp_path / "out", "--format", "dicom"]
    assert run_bundle(CONFIG, *options)[0] is None
    (folder,) = (path for path in (tmp_path / "out").iterdir() if path.is_dir())
    segmentation, report = (pydicom.dcmread(folder / f"{n}.dcm") for n in ("segmentation", "measurements"))
    found = {item.SegmentNumber: 0 for item in segmentation.SegmentSequence}
    frames = segmentation.pixel_array
    for frame, groups in zip(frames, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        found[groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber] += int(frame.sum())
    for label, voxels in found.items():
        assert voxels == pytest.approx((tissues() == label).sum(), rel=0.05)
    assert segmentation.StudyInstanceUID == report.StudyInstanceUID


def test_a_volume_without_tissue_has_no_regions_and_the_others_are_done(run_bundle, bundle, tmp_path):
    """The network that labels nothing fails both volumes, by name, and writes no half of a result."""
    (tmp_path / "in").mkdir()
    for name in ("first", "second"):
        save(tmp_path / "in" / f"{name}.nii.gz", t1_image(tissues()))
    weights = torch.load(bundle / "models" / "model.pt", weights_only=True)
    weights["bias"][0] = 999  # all is background
    torch.save(weights, tmp_path / "model.pt")
    arguments = ["--input", tmp_path / "in", "--output_dir", tmp_path / "out", "--save_regions", "True"]
    error, printed = run_bundle(CONFIG, *arguments, "--weights", tmp_path / "model.pt")
    assert error == "2 of 2 volumes failed"
    assert all(f"{name}: the label map is empty" in printed.err for name in ("first", "second"))
    assert not list(tmp_path.glob("out/*"))


def test_oblique_grid_with_thick_slices(run_bundle, tmp_path):
    truth = tissues((44, 40, 20))
    save(tmp_path / "oblique.nii.gz", t1_image(truth), OBLIQUE)
    error, _ = run_bundle(CONFIG, "--input", tmp_path / "oblique.nii.gz", "--output_dir", tmp_path / "out")
    assert error is None
    written = nib.load(tmp_path / "out" / "oblique_tissues.nii.gz")
    assert written.shape == truth.shape
    assert np.allclose(written.affine, OBLIQUE, atol=1e-4)
    assert dice(written.dataobj, truth, 3) > 0.95
    assert dice(written.dataobj, truth, 2) > 0.85


def test_folder_with_a_bad_volume(run_bundle, brain, tmp_path):
    save(
        brain.parent / "negative.nii.gz",
        np.random.default_rng(0).uniform(-2, -1, (20, 20, 20)).astype(np.float32),
    )
    error, printed = run_bundle(CONFIG, "--input", brain.parent, "--output_dir", tmp_path / "out", "--report", "False")
    assert error == "1 of 2 volumes failed"
    assert "negative.nii.gz" in printed.err
    assert "brain mask" in printed.err
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "brain_tissues.json",
        "brain_tissues.nii.gz",
    ]


@pytest.mark.parametrize("options", [[], ["--bias_field", "False", "--denoise", "True"]])
def test_mixture_needs_no_weights(run_bundle, brain, tmp_path, options):
    arguments = ["--input", brain, "--output_dir", tmp_path / "out", "--weights", "none.pt", *options]
    error, _ = run_bundle(CONFIG, *arguments, "--method", "mixture")
    assert error is None
    written = nib.load(tmp_path / "out" / "brain_tissues.nii.gz")
    assert min(dice(written.dataobj, tissues(), label) for label in (1, 2, 3)) > 0.97


def bad(kind):
    volume = t1_image(tissues())
    if kind == "nan":
        volume[20, 20, 20] = np.nan
    return {"zero": 0 * volume, "nan": volume, "four axes": np.stack([volume] * 2, axis=-1), "good": volume}[kind]


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("zero", [], ["scan.nii.gz", "constant"]),
        ("nan", [], ["scan.nii.gz", "NaN"]),
        ("four axes", [], ["scan.nii.gz", "4-D"]),
        ("good", ["--method", "magic"], ["magic", "mixture"]),
        ("good", ["--save_regions", "some"], ["--save_regions"]),
        ("good", ["--save_regions", "True", "--minimum_size_mm3", "-1"], ["minimum_size_mm3"]),
        ("good", ["--minimum_size_mm3", "small"], ["--minimum_size_mm3", "small"]),
        ("good", ["--contrast", "t3"], ["contrast", "t2"]),
        ("good", ["--contrast", "t2"], ["contrast", "--method mixture"]),
        ("good", ["--roi_size", "[90,96,96]"], ["roi_size", "16"]),
        ("good", ["--overlap", "1"], ["overlap"]),
        ("good", ["--denoise", "perhaps"], ["--denoise", "true or false"]),
        ("good", ["--bias_feild", "True"], ["--bias_feild", "bias_field?"]),
        ("good", ["--weights", "none.pt"], ["none.pt"]),
        ("good", ["--device", "cuda:99"], ["cuda:99"]),
        ("good", ["--batch_size", "0"], ["batch_size"]),
    ],
)
def test_bad_input_ends_with_one_line(run_bundle, tmp_path, kind, options, words):
    save(tmp_path / "scan.nii.gz", bad(kind))
    error, _ = run_bundle(CONFIG, "--input", tmp_path / "scan.nii.gz", "--output_dir", tmp_path / "out", *options)
    assert isinstance(error, str)
    assert "\n" not in error
    assert all(word in error for word in words), error
    assert not (tmp_path / "out").exists()


def test_a_bundle_folder_without_configuration(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"inference\.yaml"):
        TissueSegmenter.from_bundle(tmp_path)


def test_an_option_that_the_bundle_does_not_have(bundle):
    with pytest.raises(ValueError, match="bias_feild"):
        TissueSegmenter.from_bundle(bundle, bias_feild=False)
