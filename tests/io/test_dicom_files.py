"""Files of a DICOM folder as they come: without preamble, unfinished, empty, hidden, of odd encodings."""

import os

import numpy as np
import pydicom
import pytest

from monai_gan_recon.io import find_volumes, load_volume


def _rewritten(folder, change):
    """Each file of a series read, changed and saved again."""
    for number, file in enumerate(sorted(folder.iterdir())):
        dataset = pydicom.dcmread(file)
        change(dataset, number)
        dataset.save_as(file)
    return folder


def _stripped_of_preamble(file):
    """The elements alone, implicit, as old exports have them."""
    dataset = pydicom.dcmread(file)
    bare = pydicom.Dataset()
    bare.update({element.tag: element for element in dataset})
    bare.save_as(file, implicit_vr=True, little_endian=True)


@pytest.mark.parametrize("every", [1, 2])
def test_files_without_preamble_are_read(write_series, every):
    folder, values = write_series(slices=8)
    for file in sorted(folder.iterdir())[::every]:
        _stripped_of_preamble(file)
        file.rename(file.with_suffix(""))
    np.testing.assert_array_equal(load_volume(folder).numpy()[0], values.transpose(2, 1, 0))
    assert find_volumes(folder) == [folder]


@pytest.mark.parametrize("suffix", [".dcm", "", ".4711"])
def test_a_copy_that_was_not_finished_is_named(write_series, suffix):
    folder, _ = write_series()
    file = sorted(folder.iterdir())[-1]
    file.write_bytes(bytes(file.stat().st_size))
    named = file.rename(file.with_suffix(suffix))
    with pytest.raises(ValueError, match=named.name):
        load_volume(folder)


@pytest.mark.parametrize("name", ["z.dcm", "IM0007", "MR.1.2.840.113"])
def test_an_empty_file_among_the_slices_is_named(write_series, name):
    folder, _ = write_series()
    (folder / name).touch()
    with pytest.raises(ValueError, match=name):
        load_volume(folder)


@pytest.mark.parametrize("name", ["z.dcm", "IM0007", "b.nii.gz", "c.txt"])
def test_pipes_are_named_and_not_waited_for(write_series, name):
    folder, values = write_series()
    os.mkfifo(folder / name)
    others = [volume for volume in find_volumes(folder) if volume != folder]
    assert others == ([folder / name] if name == "b.nii.gz" else [])
    if name in ("z.dcm", "IM0007"):  # it may be a slice
        with pytest.raises(ValueError, match=f"{name}: is a pipe"):
            load_volume(folder)
    else:
        np.testing.assert_array_equal(load_volume(folder).numpy()[0], values.transpose(2, 1, 0))
    with pytest.raises(ValueError, match=f"{name}: is a pipe"):
        load_volume(folder / name)


@pytest.mark.parametrize("name", ["z.dcm", "IM0007", "MR.1.2.840.113"])
def test_a_link_to_nothing_is_named(write_series, name):
    folder, _ = write_series()
    (folder / name).symlink_to(folder / "annex/objects/z")
    with pytest.raises(FileNotFoundError, match=f"{name}: is a link"):
        load_volume(folder)


def test_what_is_no_dicom_by_its_name_does_not_matter(write_series):
    folder, values = write_series()
    (folder / "notes.txt").symlink_to(folder / "nowhere")
    (folder / "mask.img").write_bytes(bytes(500))
    np.testing.assert_array_equal(load_volume(folder).numpy()[0], values.transpose(2, 1, 0))


def test_hidden_files_are_no_slices(write_series):
    folder, _ = write_series()
    for file in list(folder.iterdir()):
        (folder / f"._{file.name}").write_bytes(bytes(200))
    assert load_volume(folder).shape == (1, 20, 18, 6)


def test_every_second_slice_is_missing(write_series, caplog):
    half = range(1, 12, 2)
    folder, _ = write_series("both", slices=12, skip=half, SpacingBetweenSlices=2.5)
    with pytest.raises(ValueError, match="slices are missing"):
        load_volume(folder)
    for name, spacing, change in (
        ("numbers", 5, lambda data, _: None),
        ("spacing", 2.5, lambda data, _: setattr(data, "InstanceNumber", (data.InstanceNumber + 1) // 2)),
    ):
        caplog.clear()
        folder, _ = write_series(name, slices=12, skip=half, SpacingBetweenSlices=spacing)
        assert load_volume(_rewritten(folder, change)).shape == (1, 20, 18, 6)
        assert "missing" in caplog.text
    caplog.clear()
    load_volume(write_series("whole", SpacingBetweenSlices=2.5)[0])
    assert caplog.text == ""


def test_white_and_black_are_told_apart(write_series):
    """MONOCHROME1: the least value is white."""
    folder, values = write_series(PhotometricInterpretation="MONOCHROME1")
    image = load_volume(folder).numpy()[0]
    np.testing.assert_array_equal(image, (values.max() - values.astype(int)).transpose(2, 1, 0))


@pytest.mark.parametrize("empty", [{"RescaleSlope"}, {"RescaleIntercept"}, {"RescaleSlope", "RescaleIntercept"}])
def test_an_empty_slope_or_intercept_is_none(write_series, empty):
    rescale = {"RescaleSlope": 2, "RescaleIntercept": -7} | dict.fromkeys(empty)
    folder, values = write_series(**rescale)
    slope, intercept = rescale["RescaleSlope"] or 1, rescale["RescaleIntercept"] or 0
    np.testing.assert_array_equal(load_volume(folder).numpy()[0], values.transpose(2, 1, 0) * float(slope) + intercept)


@pytest.mark.parametrize("single", [True, False])
def test_big_endian(write_series, single):
    folder, values = write_series(slices=3)
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        dataset.PixelData = dataset.pixel_array.astype(">u2").tobytes()
        dataset["PixelData"].VR = "OW"
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRBigEndian
        bare = pydicom.Dataset()
        bare.update({element.tag: element for element in dataset})  # decoded
        bare.file_meta = dataset.file_meta
        bare.save_as(file, implicit_vr=False, little_endian=False)
    image = load_volume(sorted(folder.iterdir())[0] if single else folder).numpy()[0]
    slices = [np.array_equal(image[..., 0], one.T) for one in values]
    assert sum(slices) == 1
    assert single or np.array_equal(image, values.transpose(2, 1, 0))


def test_a_tilted_gantry_is_in_the_affine(write_series):
    folder, _ = write_series()
    straight = load_volume(folder).affine.numpy()

    def tilt(dataset, _):
        index = round(float(np.linalg.norm(np.array(dataset.ImagePositionPatient) - [-50, 20, 7]) / 2.5))
        column = np.array(dataset.ImageOrientationPatient[3:], dtype=float)
        position = np.array(dataset.ImagePositionPatient, dtype=float) + 0.7 * index * column
        dataset.ImagePositionPatient = [f"{value:.8f}" for value in position]

    tilted = load_volume(_rewritten(folder, tilt)).affine.numpy()
    np.testing.assert_allclose(tilted[:3, :2], straight[:3, :2], atol=1e-6)
    np.testing.assert_allclose(tilted[:3, 2] - straight[:3, 2], straight[:3, 1] / 1.2 * 0.7, atol=1e-5)


def test_a_uid_of_several_values_is_one(write_series):
    folder, _ = write_series(series="1.2.3.444444")
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes().replace(b"1.2.3.444444", b"1.2.3\\444444"))
    assert load_volume(folder).shape == (1, 20, 18, 6)
