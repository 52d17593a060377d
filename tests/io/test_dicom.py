"""DICOM series in: geometry as SimpleITK has it, incomplete or mixed folders refused, no patient named."""

import logging
import zlib

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from monai_gan_recon.io import load_volume

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_with_simpleitk(folder):
    """Array (X, Y, Z) and RAS affine of the folder's series."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).T, LPS_TO_RAS @ affine


@pytest.mark.parametrize("reverse_numbers", [False, True])
def test_oblique_series_equals_simpleitk(write_series, reverse_numbers):
    folder, values = write_series(slices=16, reverse_numbers=reverse_numbers)
    image = load_volume(folder)
    array, affine = read_with_simpleitk(folder)
    np.testing.assert_allclose(image.affine, affine, atol=1e-3)
    np.testing.assert_array_equal(image.numpy()[0], array)
    np.testing.assert_array_equal(image.numpy()[0], values.transpose(2, 1, 0))


def test_real_series_equals_simpleitk(data_dir):
    folder = data_dir / "dicom/fnndsc_mprage"
    image = load_volume(folder, plane="coronal")
    array, affine = read_with_simpleitk(folder)
    assert image.shape == (1, 256, 256, 192)
    np.testing.assert_allclose(image.affine, affine, atol=1e-3)
    np.testing.assert_array_equal(image.numpy()[0], array)


def test_corners_of_a_single_slice_lie_where_the_series_has_them(write_series):
    folder, values = write_series(slices=3)
    whole = load_volume(folder)
    files = sorted(folder.iterdir())
    for file in files:
        image = load_volume(file)
        assert image.shape == (1, 20, 18, 1)
        index = next(k for k in range(3) if np.array_equal(image.numpy()[0, ..., 0], values[k].T))
        np.testing.assert_allclose(image.affine[:3, :3], whole.affine[:3, :3], atol=1e-4)
        np.testing.assert_allclose(
            image.affine.numpy() @ [3, 4, 0, 1], whole.affine.numpy() @ [3, 4, index, 1], atol=1e-4
        )


def test_rescale_slope_is_applied(write_series):
    folder, values = write_series(RescaleSlope=2, RescaleIntercept=-7)
    np.testing.assert_array_equal(load_volume(folder).numpy()[0], values.transpose(2, 1, 0) * 2.0 - 7)


def test_foreign_files_are_skipped(write_series):
    folder, _ = write_series()
    (folder / "README.txt").write_text("not DICOM")
    (folder / "more").mkdir()
    assert load_volume(folder).shape == (1, 20, 18, 6)


def _empty(write_series):
    folder, _ = write_series()
    for file in folder.iterdir():
        file.unlink()
    return folder


def _text_only(write_series):
    folder = _empty(write_series)
    (folder / "a.dcm").write_text("not DICOM")
    return folder


def _two_series(write_series):
    write_series(series="1.2.3.111111")
    return write_series(series="1.2.3.222222")[0]


def _truncated(write_series):
    folder, _ = write_series()
    file = sorted(folder.iterdir())[2]
    file.write_bytes(file.read_bytes()[:-100])
    return folder


def _cut_before(write_series, mark):
    folder, _ = write_series()
    file = sorted(folder.iterdir())[-1]
    content = file.read_bytes()
    file.write_bytes(content[: content.index(mark)])
    return folder


def _cut_before_the_pixels(write_series):
    return _cut_before(write_series, b"\xe0\x7f\x10\x00")


def _cut_in_the_header(write_series):
    return _cut_before(write_series, b"Doe^Jane")


def _one_is_empty(write_series):
    folder, _ = write_series()
    sorted(folder.iterdir())[-1].write_bytes(b"")
    return folder


def _malformed_position(write_series):
    folder, _ = write_series()
    file = sorted(folder.iterdir())[1]
    file.write_bytes(file.read_bytes().replace(b"-50.0", b"Q50.0").replace(b"-4", b"Q4"))
    return folder


def _second_copies(write, **elements):
    """Slices of two volumes of one series in a folder."""
    write(folder="series", series="1.2.3.4567890")
    folder, _ = write(folder="other", series="1.2.3.4567890", **elements)
    for file in folder.iterdir():
        file.rename(folder.parent / "series" / f"second_{file.name}")
    return folder.parent / "series"


BAD = {
    "the folder is empty": _empty,
    r"its file a\.dcm is no readable DICOM": _text_only,
    "no pixel data": lambda write: write(pixels=False)[0],
    "--series N or all: 1: .*; 2: ": _two_series,
    r"unevenly spaced \(about 1 missing\)": lambda write: write(skip=(3,))[0],
    r"unevenly spaced \(about 2 missing\)": lambda write: write(slices=9, skip=(3, 4))[0],
    "cannot be decoded": _truncated,
    "is a mosaic": lambda write: write(ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])[0],
    "right angles": lambda write: write(ImageOrientationPatient=[1, 0, 0, 1, 0, 0])[0],
    "repeat a position": lambda write: _second_copies(write),
    "no slice position": lambda write: write(ImagePositionPatient=None)[0],
    "colour image": lambda write: write(SamplesPerPixel=3)[0],
    "is a colour": lambda write: write(PhotometricInterpretation="PALETTE COLOR")[0],
    "Modality LUT": lambda write: write(ModalityLUTSequence=[pydicom.Dataset()])[0],
}


@pytest.mark.parametrize("spoil", [_cut_before_the_pixels, _cut_in_the_header, _one_is_empty, _malformed_position])
def test_a_damaged_slice_is_never_left_out(write_series, spoil):
    folder = spoil(write_series)
    with pytest.raises(ValueError, match=r"\.dcm is (damaged or truncated|no readable DICOM)") as info:
        load_volume(folder)
    assert str(info.value).startswith(str(folder))


@pytest.mark.parametrize(
    "elements",
    [
        {"PixelSpacing": [1, 2, 3]},
        {"ImageOrientationPatient": [1, 0, 0, 0]},
        {"SliceThickness": [1, 2]},
        {"ImagePositionPatient": ["0", "1e300", "0"]},
        {"SeriesNumber": [1, 2]},
        {"PixelSpacing": [-1, 1]},
        {"NumberOfFrames": -1},
        {"NumberOfFrames": 99_999_999},
    ],
)
def test_numbers_that_are_not_as_many_as_they_should_be_are_damage(write_series, elements):
    with pytest.raises(ValueError, match=r"\.dcm is damaged"):
        load_volume(write_series(**elements)[0])


@pytest.mark.parametrize("zeros", [0, 2**29])
def test_deflated_data_are_read_and_may_not_inflate_without_end(write_series, zeros):
    folder, values = write_series()
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
        dataset.save_as(file)
    if not zeros:
        np.testing.assert_array_equal(load_volume(folder).numpy()[0], values.transpose(2, 1, 0))
        return
    content = file.read_bytes()
    start = 144 + int.from_bytes(content[140:144], "little")
    pack = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = bytes(1 << 24)
    packed = b"".join(pack.compress(block) for _ in range(zeros >> 24)) + pack.flush()
    file.write_bytes(content[:start] + packed)
    with pytest.raises(ValueError, match=rf"{file.name} is damaged"):
        load_volume(folder)


@pytest.mark.parametrize("error", [MemoryError, NameError, AttributeError, AssertionError])
@pytest.mark.parametrize("place", ["stacks._grid", "stacks._series", "reader._distances", "files._images"])
def test_our_own_mistakes_are_no_damage(write_series, monkeypatch, place, error):
    def mistaken(*_, **__):
        raise error

    folder, _ = write_series(slices=2)
    monkeypatch.setattr(f"monai_gan_recon.io.dicom.{place}", mistaken)
    with pytest.raises(error):
        load_volume(folder)


@pytest.mark.parametrize("name", ["dcmread", "FileDataset.pixel_array"])
def test_lack_of_memory_is_no_damage(write_series, monkeypatch, name):
    folder, _ = write_series(slices=2)

    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(f"pydicom.{name}", property(full) if "." in name else full)
    with pytest.raises(MemoryError):
        load_volume(folder)


def test_an_object_of_another_kind_is_left_out(write_series):
    folder, _ = write_series()
    report = pydicom.Dataset()
    report.file_meta = pydicom.dataset.FileMetaDataset()
    report.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = pydicom.uid.BasicTextSRStorage
    report.SOPInstanceUID = report.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    report.SeriesInstanceUID = pydicom.uid.generate_uid()
    report.save_as(folder / "report.dcm", enforce_file_format=True)
    assert load_volume(folder).shape == (1, 20, 18, 6)


def test_pydicom_logs_no_element(write_series, caplog):
    """pydicom quotes malformed values in its log, too; a UID may hold a name or a birthday."""
    folder, _ = write_series(series="1.2.3.444444")
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes().replace(b"1.2.3.444444", b"1.2.Doe-4711"))
    with caplog.at_level("DEBUG"):
        assert load_volume(folder).shape == (1, 20, 18, 6)
    assert "Doe" not in caplog.text
    assert not logging.getLogger("pydicom").disabled


@pytest.mark.parametrize("message", BAD)
def test_bad_series_gives_one_clear_line_without_the_patient(write_series, message):
    folder = BAD[message](write_series)
    with pytest.raises(ValueError, match=message) as info:
        load_volume(folder)
    chain = [str(info.value)]
    assert chain[0].startswith(str(folder))
    assert "\n" not in chain[0]
    assert not any(word in chain[0] for word in ("Doe", "Jane", "4711"))


def test_nothing_of_the_patient_is_kept(write_series):
    image = load_volume(write_series()[0])
    assert not any(word in repr(image.meta) for word in ("Doe", "Jane", "4711"))
