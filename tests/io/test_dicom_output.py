"""DICOM out: read back by other libraries, validated, and without identity where that is asked for."""

import shutil
import subprocess

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.io import load_volume
from monai_gan_recon.io.dicom import (
    deidentify,
    derive_report,
    derive_segmentation,
    derive_series,
    find_series,
    read_headers,
    save_files,
)


@pytest.fixture
def series(write_series):
    folder, _ = write_series(
        PatientBirthDate="19700203",
        StudyDate="20200304",
        InstitutionName="Doe Hospital",
        SeriesNumber=3,
        BodyPartExamined="BRAIN",
        StudyInstanceUID="1.2.826.0.1.3680043.8.498.11",
        FrameOfReferenceUID="1.2.826.0.1.3680043.8.498.12",
        PatientPosition="HFS",
        RepetitionTime=500,
    )
    image = load_volume(folder)
    return image.numpy()[0] * 0.37, image.affine.numpy(), read_headers(find_series(folder)[0])


def errors(file):
    """What dciodvfy has to say against a file."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("needs dciodvfy of dicom3tools")
    done = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, timeout=60)
    return [line for line in done.stderr.splitlines() if line.startswith("Error")]


def test_series_read_by_simpleitk(series, tmp_path):
    volume, affine, source = series
    save_files(derive_series(volume, affine, source), tmp_path)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    image = reader.Execute()
    slope = float(pydicom.dcmread(tmp_path / "0001.dcm").RescaleSlope)
    np.testing.assert_allclose(sitk.GetArrayFromImage(image).T, volume, atol=0.51 * slope, rtol=1e-6)
    for index in ((0, 0, 0), (19, 17, 5), (3, 11, 2)):
        there = np.array(image.TransformIndexToPhysicalPoint(index)) * (-1, -1, 1)
        np.testing.assert_allclose(there, (affine @ [*index, 1])[:3], atol=1e-3)


@pytest.mark.parametrize("kind", ["series", "segmentation", "report"])
def test_what_is_derived_is_of_the_same_study_and_patient(series, kind):
    volume, affine, source = series
    if kind != "series":
        pytest.importorskip("highdicom")
    before = [header.to_json() for header in source]
    results = derive_series(volume, affine, source)
    if kind != "series":
        results = [derive_segmentation(labelled(volume), affine, source)]
    if kind == "report":
        results = [derive_report(results[0], {1: 1.0, 2: 2.0, 3: 3.0}, source)]
    assert [header.to_json() for header in source] == before
    for result in results:
        assert result.StudyInstanceUID == "1.2.826.0.1.3680043.8.498.11"
        assert result.PatientID == "ID-4711"
        if kind != "report":  # which has no place in space
            assert result.FrameOfReferenceUID == "1.2.826.0.1.3680043.8.498.12"
    names = ("SeriesInstanceUID", "SOPInstanceUID")
    old, new = ({str(item[name].value) for item in items for name in names} for items in (source, results))
    assert not old & new
    assert len(new) == 1 + len(results)


def test_sources_without_uids_of_their_study_are_left_alone_and_belong_together(series):
    pytest.importorskip("highdicom")
    volume, affine, source = series
    for header in source:
        del header.StudyInstanceUID, header.FrameOfReferenceUID, header.PatientBirthDate
    before = [header.to_json() for header in source]
    results = [*derive_series(volume, affine, source), derive_segmentation(labelled(volume), affine, source)]
    results.append(derive_report(results[-1], {1: 1.0}, source))
    assert [header.to_json() for header in source] == before
    assert len({item.StudyInstanceUID for item in results}) == 1
    assert len({item.get("FrameOfReferenceUID") for item in results[:-1]}) == 1


def test_series_has_one_scale_and_names_its_sources(series):
    volume, affine, source = series
    slices = derive_series(volume, affine, source, "recon", "by a test")
    first, origin = slices[0], source[0]
    assert first.PatientName == origin.PatientName
    assert first.ImageType[0] == "DERIVED"
    for name in ("SeriesInstanceUID", "RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth"):
        assert len({str(item[name].value) for item in slices}) == 1
    by_uid = {str(item.SOPInstanceUID): item for item in source}
    for item in slices:  # each slice names the one it comes from
        near = by_uid[item.SourceImageSequence[0].ReferencedSOPInstanceUID]
        np.testing.assert_allclose(item.ImagePositionPatient, near.ImagePositionPatient, atol=1e-3)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_volume_in_another_order_of_axes_is_the_same_series(series, axes):
    volume, affine, source = series
    turned = np.flip(volume.transpose(axes), 0)
    matrix = affine[:, [*axes, 3]]
    matrix[:, 3] += matrix[:, 0] * (turned.shape[0] - 1)
    matrix[:, 0] *= -1
    straight, again = (derive_series(v, a, source) for v, a in ((volume, affine), (turned, matrix)))
    assert all(one.PixelData == two.PixelData for one, two in zip(straight, again, strict=True))
    np.testing.assert_allclose(again[2].ImagePositionPatient, straight[2].ImagePositionPatient, atol=1e-6)


def test_a_source_elsewhere_and_sheared_axes_are_refused(series):
    volume, affine, source = series
    away = affine.copy()
    away[:3, 3] += 500
    with pytest.raises(ValueError, match="elsewhere"):
        derive_series(volume, away, source)
    sheared = affine.copy()
    sheared[:3, 2] += 0.2 * sheared[:3, 0]
    with pytest.raises(ValueError, match="NIfTI"):
        derive_series(volume, sheared, source)


def labelled(volume):
    return np.digitize(volume, np.quantile(volume, [0.25, 0.5, 0.75])).astype(np.uint8)


def test_segmentation_and_report(series):
    pytest.importorskip("highdicom")
    from highdicom.seg import Segmentation

    volume, affine, source = series
    labels = labelled(volume)
    segmentation = derive_segmentation(labels, affine, source)
    back = Segmentation.from_dataset(segmentation).get_volume(combine_segments=True)
    index = np.linalg.inv(np.diag([-1, -1, 1, 1]) @ affine) @ back.affine
    place = np.rint(index @ [*np.indices(back.array.shape).reshape(3, -1), np.ones(back.array.size)]).astype(int)
    np.testing.assert_array_equal(back.array.ravel(), labels[place[0], place[1], place[2]])
    types = [item.SegmentedPropertyTypeCodeSequence[0].CodeValue for item in segmentation.SegmentSequence]
    assert types == ["65216001", "389081007", "389080008"]
    report = derive_report(segmentation, {1: 1.5, 2: 20.25, 3: 0.125}, source)
    values = [
        float(item.MeasuredValueSequence[0].NumericValue) for item in walk(report) if item.get("ValueType") == "NUM"
    ]
    assert values == [1.5, 20.25, 0.125]


def walk(item):
    for child in item.get("ContentSequence") or ():
        yield child
        yield from walk(child)


def test_nothing_identifies_after_deidentification(series, tmp_path):
    pytest.importorskip("dicomanonymizer")
    volume, affine, source = series
    nested = pydicom.Dataset()
    nested.PatientName, nested.StudyDate = "Doe^Jane", "20200304"
    source[0].add_new((0x0008, 0x1140), "SQ", [nested])
    source[0].add_new((0x0054, 0x0016), "SQ", [nested])  # one that the profile does not list
    clean = deidentify(source)
    assert source[0].PatientName == "Doe^Jane"
    results = [*derive_series(volume, affine, clean)]
    if pytest.importorskip("highdicom"):
        segmentation = derive_segmentation(labelled(volume), affine, clean)
        results += [segmentation, derive_report(segmentation, {1: 1.0}, clean)]
    assert len({item.StudyInstanceUID for item in results}) == 1
    for number, item in enumerate(results):
        item.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
        content = (tmp_path / f"{number}.dcm").read_bytes()
        secrets = (b"Doe", b"ID-4711", b"19700203", b"20200304", str(source[0].SeriesInstanceUID).encode())
        assert not [word for word in secrets if word in content]
        assert item.PatientIdentityRemoved == "YES"


@pytest.mark.parametrize("clean", [False, True])
def test_dciodvfy_finds_no_error(series, tmp_path, clean):
    pytest.importorskip("highdicom")
    volume, affine, source = series
    source = deidentify(source) if clean else source
    save_files(derive_series(volume, affine, source), tmp_path)
    segmentation = derive_segmentation(labelled(volume), affine, source)
    segmentation.save_as(tmp_path / "seg.dcm")
    derive_report(segmentation, {1: 1.0, 2: 2.0, 3: 3.0}, source).save_as(tmp_path / "sr.dcm")
    assert [line for name in ("0001", "seg", "sr") for line in errors(tmp_path / f"{name}.dcm")] == []


def test_a_folder_is_there_as_a_whole_or_not_at_all(tmp_path):
    with atomic_path(tmp_path / "out") as folder:
        folder.mkdir()
        (folder / "a").write_text("1")
    with pytest.raises(OSError, match="out"), atomic_path(tmp_path / "out") as folder:
        shutil.copytree(tmp_path / "out", folder / "b").joinpath("none").read_bytes()
    assert [file.name for file in tmp_path.rglob("*")] == ["out", "a"]
    with atomic_path(tmp_path / "out") as folder:
        folder.mkdir()
        (folder / "c").write_text("3")
    assert [file.name for file in tmp_path.rglob("*")] == ["out", "c"]
