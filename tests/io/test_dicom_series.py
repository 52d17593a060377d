"""Folders as a PACS exports them: several series, echoes, localisers, subfolders, enhanced and compressed images."""

import shutil

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from monai_gan_recon.data.cases import neutral_name
from monai_gan_recon.engines.inference import input_entries
from monai_gan_recon.io import load_volume, own_plane
from monai_gan_recon.io.dicom import choose_series, find_series
from tests.io.conftest import write_enhanced

AXIAL = [1, 0, 0, 0, 1, 0]


def pour(source, target):
    """Move the files of a folder into another, under new names."""
    for file in sorted(source.iterdir()):
        file.rename(target / f"{source.name}_{file.name}")
    source.rmdir()


@pytest.fixture
def export(write_series):
    """A flat folder of two series and a localiser of two planes."""
    folder, first = write_series("flat", series="1.2.3.1", SeriesNumber=4)
    other, second = write_series("other", slices=4, series="1.2.3.2", SeriesNumber=7)
    pour(other, folder)
    for name, cosines in (("a", AXIAL), ("b", [0, 1, 0, 0, 0, -1])):
        local, _ = write_series(name, slices=1, series="1.2.3.3", SeriesNumber=1, ImageOrientationPatient=cosines)
        pour(local, folder)
    return folder, first, second


def test_series_of_a_flat_export_are_told_apart_and_chosen(export):
    folder, first, second = export
    found = find_series(folder)
    assert [(item.number, len(item.slices), bool(item.unfit)) for item in found] == [
        (1, 1, True),
        (1, 1, True),
        (4, 6, False),
        (7, 4, False),
    ]
    for series, values in ((3, first), ("1.2.3.2", second)):
        np.testing.assert_array_equal(load_volume(folder, series=series).numpy()[0], values.transpose(2, 1, 0))
    assert [item.uid for item in choose_series(folder, "all")] == ["1.2.3.1", "1.2.3.2"]
    with pytest.raises(ValueError, match="--series"):
        load_volume(folder)
    with pytest.raises(ValueError, match="--series 9"):
        load_volume(folder, series=9)


def test_all_series_become_cases_of_their_own(export):
    folder, *_ = export
    entries = input_entries(folder, series="all", keep_names=True)
    assert [entry["case"] for entry in entries] == ["flat_4", "flat_7"]
    assert [load_volume(entry["image"], series=entry["series"]).shape[-1] for entry in entries] == [6, 4]
    cases = {entry["case"] for entry in input_entries(folder, series="all")}
    assert cases == {neutral_name("1.2.3.1"), neutral_name("1.2.3.2")}


def test_a_localiser_beside_one_series_is_left_out(write_series):
    folder, values = write_series("flat")
    local, _ = write_series("local", slices=1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    pour(local, folder)
    np.testing.assert_array_equal(load_volume(folder).numpy()[0], values.transpose(2, 1, 0))


@pytest.mark.parametrize(
    ("name", "values", "shown"),
    [
        ("EchoTime", (5, 80), ("TE 5", "TE 80")),
        ("ImageType", (["A", "B", "M"], ["A", "B", "P"]), ("M", "P")),
        ("AcquisitionNumber", (1, 2), ("acquisition 1", "acquisition 2")),
    ],
)
@pytest.mark.parametrize("single", [False, True])
def test_volumes_of_one_series_are_told_apart(write_series, name, values, shown, single):
    """Trigger times differ from slice to slice, which makes them no volumes."""
    slices = 1 if single else 4
    for place, value in enumerate(values):
        folder, _ = write_series(f"{place}", slices, series="1.2.3.1", RescaleSlope=1 + 2 * place, **{name: value})
        for file in () if single else sorted(folder.iterdir()):
            dataset = pydicom.dcmread(file)
            dataset.TriggerTime = 100 * place + 7 * dataset.InstanceNumber
            dataset.save_as(file)
    pour(folder, folder.parent / "0")
    folder = folder.parent / "0"
    found = find_series(folder)
    assert [(item.apart, len(item.slices)) for item in found] == [(one, slices) for one in shown]
    assert [str(item).endswith(f", {one}") for item, one in zip(found, shown, strict=True)] == [True, True]
    by_uid = {series: load_volume(folder, series=series).numpy() for series in ("1.2.3.1:1", "1.2.3.1:2")}
    np.testing.assert_array_equal(by_uid["1.2.3.1:2"], 3 * by_uid["1.2.3.1:1"])
    with pytest.raises(ValueError, match=rf"1\.2\.3\.1: 2 volumes.*{shown[0]}.*{shown[1]}"):
        load_volume(folder, series="1.2.3.1")


def test_volumes_of_two_elements_and_incomplete_ones(write_series):
    """Two echoes at two times: neither alone tells them apart. A volume that lost a slice is no volume."""
    for place, (echo, time) in enumerate([(5, 1), (5, 2), (80, 1), (80, 2)]):
        folder, _ = write_series(
            f"{place}",
            3,
            series="1.2.3.1",
            EchoTime=echo,
            TemporalPositionIdentifier=time,
            AcquisitionNumber=echo,
        )
        if place:
            pour(folder, folder.parent / "0")
    folder = folder.parent / "0"
    shown = ["TE 5, time 1", "TE 5, time 2", "TE 80, time 1", "TE 80, time 2"]
    assert [item.apart for item in find_series(folder)] == shown
    sorted(folder.iterdir())[0].unlink()
    assert [len(item.slices) for item in find_series(folder)] == [11]
    with pytest.raises(ValueError, match="repeat a position"):
        load_volume(folder)


@pytest.mark.parametrize("series", ["²", "0", "3", "1.2"])
def test_a_series_that_is_not_there_is_refused_with_the_list(write_series, series):
    folder, _ = write_series("one")
    with pytest.raises(ValueError, match=f"--series {series}.*1: .*20 x 18 x 6"):
        load_volume(folder, series=series)


def test_the_same_file_twice_counts_once(write_series):
    folder, values = write_series()
    for file in sorted(folder.iterdir()):
        shutil.copy(file, folder / f"copy_{file.name}")
    np.testing.assert_array_equal(load_volume(folder).numpy()[0], values.transpose(2, 1, 0))


def test_a_copy_with_other_pixels_is_none(write_series):
    folder, _ = write_series()
    file = sorted(folder.iterdir())[2]
    dataset = pydicom.dcmread(file)
    dataset.PixelData = dataset.PixelData[::-1]
    dataset.save_as(folder / "again.dcm")
    with pytest.raises(ValueError, match="repeat a position"):
        load_volume(folder)


def test_slices_that_share_a_uid_are_slices_all_the_same(write_series):
    """As anonymisation that is careless leaves them."""
    folder, values = write_series(SOPInstanceUID="1.2.3.4")
    np.testing.assert_array_equal(load_volume(folder).numpy()[0], values.transpose(2, 1, 0))


def test_dicomdir_subfolders_and_names_without_suffix(write_series, tmp_path):
    folder, values = write_series()
    for place, file in enumerate(sorted(folder.iterdir())):
        part = tmp_path / "disc" / "DICOM" / f"PART{place // 3}"
        part.mkdir(parents=True, exist_ok=True)
        file.rename(part / f"IM{place}")
    (tmp_path / "disc" / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    for path in (tmp_path / "disc", tmp_path / "disc" / "DICOMDIR"):
        (entry,) = input_entries(path)
        volume = load_volume(entry["image"], series=entry["series"])
        np.testing.assert_array_equal(volume.numpy()[0], values.transpose(2, 1, 0))


def test_a_folder_for_each_series(write_series, tmp_path):
    (tmp_path / "patient/study").mkdir(parents=True)
    write_series("patient/study/t1")
    write_series("patient/study/t2", slices=4)
    assert [entry["case"] for entry in input_entries(tmp_path / "patient", keep_names=True)] == ["t1", "t2"]


@pytest.mark.parametrize("keep_names", [True, False])
def test_a_series_in_two_folders_is_not_taken_for_two_volumes(write_series, tmp_path, keep_names):
    (tmp_path / "study").mkdir()
    folder, _ = write_series("study/front", series="1.2.3.1")
    (tmp_path / "study/back").mkdir()
    for file in sorted(folder.iterdir())[:3]:
        file.rename(tmp_path / "study/back" / file.name)
    with pytest.raises(ValueError, match="back and front"):
        input_entries(tmp_path / "study", keep_names=keep_names)


def test_a_damaged_series_is_an_entry_of_its_own(write_series, tmp_path):
    (tmp_path / "study").mkdir()
    good, _ = write_series("study/good")
    bad, _ = write_series("study/bad", skip=(3,))
    sorted(bad.iterdir())[0].write_bytes(b"")
    entries = input_entries(tmp_path / "study", keep_names=True)
    assert [entry["case"] for entry in entries] == ["bad", "good"]
    with pytest.raises(ValueError, match="bad"):
        load_volume(entries[0]["image"], series=entries[0].get("series"))
    assert load_volume(entries[1]["image"], series=entries[1]["series"]).shape == load_volume(good).shape


def test_enhanced_image_equals_the_classic_series(write_series, tmp_path):
    folder, _values = write_series(RescaleSlope=2, RescaleIntercept=-7)
    classic, image = load_volume(folder), load_volume(write_enhanced(folder, tmp_path / "enhanced.dcm"))
    np.testing.assert_array_equal(image.numpy(), classic.numpy())
    np.testing.assert_allclose(image.affine, classic.affine, atol=1e-6)


@pytest.mark.parametrize(
    ("acquisition", "phase", "plane"),
    [("2D", "ROW", "axial"), ("3D", "ROW", "coronal"), ("3D", "COL", "sagittal")],
)
def test_plane_of_a_dicom_acquisition(write_series, acquisition, phase, plane):
    folder, _ = write_series(
        ImageOrientationPatient=AXIAL, MRAcquisitionType=acquisition, InPlanePhaseEncodingDirection=phase
    )
    assert find_series(folder)[0].own_plane == plane


@pytest.mark.parametrize(
    ("zooms", "readout", "plane"),
    [
        ((1, 1, 1), None, "coronal"),
        ((1, 5, 1), None, "coronal"),
        ((1, 1, 4), None, "axial"),
        ((5, 1, 1), 1, "sagittal"),
        ((1, 1, 1), 2, "axial"),
        ((1, 1, 1), 0, "sagittal"),
    ],
)
def test_plane_of_a_nifti_acquisition(tmp_path, zooms, readout, plane):
    image = nib.Nifti1Image(np.ones((20, 21, 22), np.float32), np.diag([*map(float, zooms), 1.0]))
    image.header.set_dim_info(freq=readout)
    nib.save(image, tmp_path / "a.nii.gz")
    assert own_plane(tmp_path / "a.nii.gz") == plane


@pytest.mark.parametrize("plane", [None, "axial"])
@pytest.mark.parametrize("unit", ["mm", "meter", "micron"])
def test_plane_of_a_nifti_in_other_units(tmp_path, unit, plane):
    """pixdim tells another slice than the sform, which counts; lengths in metres are lengths all the same."""
    scale = {"mm": 1, "meter": 1e-3, "micron": 1e3}[unit]
    zooms = np.array([1, 1, 4, 1 / scale] if plane else [1, 1, 1, 1 / scale])
    image = nib.Nifti1Image(np.random.default_rng(0).random((20, 21, 22), np.float32), None)
    image.header.set_xyzt_units(unit)
    image.header.set_sform(np.diag(zooms) * scale, 1)
    image.header["pixdim"][1:4] = [9 * scale, scale, scale]
    nib.save(image, tmp_path / "a.nii")
    np.testing.assert_allclose(load_volume(tmp_path / "a.nii").affine.diagonal()[:3], zooms[:3], rtol=1e-6)
    assert own_plane(tmp_path / "a.nii") == (plane or "coronal")


@pytest.mark.parametrize(("axis", "plane"), [(0, "axial"), (1, "sagittal"), (2, "coronal")])
@pytest.mark.parametrize("unit", ["mm", "um"])
def test_plane_of_a_nrrd(tmp_path, axis, plane, unit):
    """Its axes go to S, R, A."""
    image = sitk.GetImageFromArray(np.random.default_rng(0).random((22, 21, 20)))
    image.SetDirection((0, -1, 0, 0, 0, -1, 1, 0, 0))
    image.SetSpacing([4.0 if index == axis else 1.0 for index in range(3)])
    path = tmp_path / "a.nrrd"
    sitk.WriteImage(image, str(path))
    units = " ".join([f'"{unit}"'] * 3)
    path.write_bytes(path.read_bytes().replace(b"kinds:", f"space units: {units}\nkinds:".encode(), 1))
    assert own_plane(path) == plane


def test_uids_of_other_files_do_not_matter(write_series):
    """A report beside the images is not a series."""
    folder, _ = write_series()
    report = pydicom.Dataset()
    report.file_meta = pydicom.dataset.FileMetaDataset()
    report.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = pydicom.uid.BasicTextSRStorage
    report.SOPInstanceUID = report.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    report.SeriesInstanceUID = generate_uid()
    report.save_as(folder / "report", enforce_file_format=True)
    assert len(find_series(folder)) == 1
