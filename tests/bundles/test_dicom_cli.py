"""``run inference`` of the bundle on DICOM, and to DICOM."""

import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk

from monai_gan_recon.engines.inference import input_entries
from monai_gan_recon.io import load_volume
from monai_gan_recon.io.dicom import find_series

CONFIG = "inference.yaml"


def test_dicom_series(run_bundle, write_series, tmp_path):
    write_series(tmp_path / "series")
    arguments = [
        "--input",
        tmp_path / "series",
        "--plane",
        "sagittal",
        "--rate",
        1,
        "--output_dir",
        tmp_path / "out",
    ]
    assert run_bundle(CONFIG, *arguments)[0] is None
    (result,) = (tmp_path / "out").glob("dicom_*_recon.nii.gz")  # no name of a folder, often a patient's
    assert_same_as_itk(result, tmp_path / "series", 1e-2)


def test_dicom_out_equals_nifti_out(run_bundle, write_series, tmp_path):
    write_series(tmp_path / "series")
    for form in ("nifti", "dicom"):
        arguments = ["--input", tmp_path / "series", "--rate", 0.5, "--output_dir", tmp_path / form]
        arguments += ["--format", form, "--plane", "sagittal", "--keep_names", "true"]
        assert run_bundle(CONFIG, *arguments)[0] is None
    nifti = nib.load(tmp_path / "nifti" / "series_recon.nii.gz")
    (entry,) = input_entries(tmp_path / "dicom" / "series_recon")
    image = load_volume(entry["image"], series=entry["series"])
    np.testing.assert_allclose(image.affine, nifti.affine, atol=1e-3)
    quantum = np.ptp(nifti.get_fdata()) / 65535
    np.testing.assert_allclose(image.numpy()[0], nifti.get_fdata(), atol=quantum)
    for again in (False, True):  # finished before; done again
        (tmp_path / "dicom" / "series_recon" / "mark").touch()
        assert run_bundle(CONFIG, *arguments, *(["--overwrite", "true"] if again else []))[0] is None
        assert not list((tmp_path / "dicom").glob(".*"))  # nothing temporary
        assert (tmp_path / "dicom" / "series_recon" / "mark").exists() == (not again)
        assert len(find_series(tmp_path / "dicom")) == 1


def test_dicom_out_of_nifti_without_identity(run_bundle, write_series, tmp_path):
    """The geometry is the image's, study and patient those of the source, or nobody's."""
    write_series(tmp_path / "Doe")
    common = ["--input", tmp_path / "Doe", "--rate", 1, "--plane", "sagittal", "--report", "false"]
    assert run_bundle(CONFIG, *common, "--output_dir", tmp_path / "nifti")[0] is None
    (nifti,) = (tmp_path / "nifti").glob("*_recon.nii.gz")
    common = ["--input", nifti, "--rate", 1, "--plane", "sagittal", "--report", "false", "--format", "dicom"]
    common += ["--source_dicom", tmp_path / "Doe"]
    study = pydicom.dcmread(tmp_path / "Doe" / "0.dcm").StudyInstanceUID
    for name, options in (("kept", []), ("gone", ["--deidentify", "true"])):
        assert run_bundle(CONFIG, *common, *options, "--output_dir", tmp_path / name)[0] is None
        (folder,) = (path for path in (tmp_path / name).iterdir() if path.is_dir())
        datasets = [pydicom.dcmread(file) for file in sorted(folder.iterdir())]
        assert len(datasets) == 4
        assert {str(d.PatientName) == "Doe^Jane" for d in datasets} == {name == "kept"}
        assert {d.StudyInstanceUID == study for d in datasets} == {name == "kept"}
        image = load_volume(folder)
        np.testing.assert_allclose(image.affine, nib.load(nifti).affine, atol=1e-3)
        if name == "gone":
            written = b"".join(file.read_bytes() for file in folder.iterdir())
            assert not [word for word in (b"Doe", b"ID-4711", b"19700203") if word in written]


def test_a_single_file_does_not_name_its_patient(run_bundle, write_series, tmp_path):
    write_series(tmp_path / "series", slices=1)
    file = (tmp_path / "series" / "0.dcm").rename(tmp_path / "DOE_JANE.dcm")
    error, _ = run_bundle(CONFIG, "--input", file, "--rate", 1, "--output_dir", tmp_path / "out")
    assert error is None
    assert not [path.name for path in (tmp_path / "out").iterdir() if "DOE" in path.name]
    assert "DOE" not in (next((tmp_path / "out").glob("*_report.html"))).read_text()


def test_dicom_out_needs_a_source(run_bundle, write_series, write_nifti, tmp_path):
    arguments = ["--input", write_nifti(), "--output_dir", tmp_path / "out"]
    assert "--source_dicom" in run_bundle(CONFIG, *arguments, "--format", "dicom")[0]
    assert "--deidentify" in run_bundle(CONFIG, *arguments, "--deidentify", "true")[0]
    assert "--format" in run_bundle(CONFIG, *arguments, "--format", "png")[0]
    write_series(tmp_path / "two" / "a")
    write_series(tmp_path / "two" / "b")
    two = ["--format", "dicom", "--source_dicom", tmp_path / "two"]
    assert "2 series" in run_bundle(CONFIG, *arguments, *two)[0]


def test_real_dicom_series(run_bundle, data_dir, tmp_path):
    folder = data_dir / "dicom" / "fnndsc_mprage"
    arguments = ["--input", folder, "--plane", "sagittal", "--rate", 0.5, "--output_dir", tmp_path / "out"]
    assert run_bundle(CONFIG, *arguments, "--keep_names", "true")[0] is None
    assert_same_as_itk(tmp_path / "out" / "fnndsc_mprage_recon.nii.gz", folder, None)


def assert_same_as_itk(result, folder, tolerance):
    series = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    itk = sitk.ReadImage(series)
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(itk.GetDirection(), (3, 3)) * itk.GetSpacing()
    affine[:3, 3] = itk.GetOrigin()
    result = nib.load(result)
    assert np.abs(result.affine - np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine).max() < 1e-3
    assert result.shape == itk.GetSize()
    if tolerance is not None:
        assert np.abs(result.get_fdata() - sitk.GetArrayFromImage(itk).T).max() < tolerance
