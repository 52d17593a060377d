"""Files in: values and affine of good ones, one clear line for bad ones."""

import os

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import torch
from monai.data import MetaTensor

from monai_gan_recon.io import (
    LoadVolumed,
    RawScan,
    find_volumes,
    load_label_volume,
    load_volume,
    write_ismrmrd,
)
from monai_gan_recon.io.geometry import IN_PLANE
from monai_gan_recon.io.images import own_plane
from monai_gan_recon.transforms.geometry import SlicesOfPlane
from tests.io.conftest import fourier, objects


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.float64])
def test_nifti_values_and_affine(write_nifti, volume, oblique_affine, name, kind):
    image = load_volume(write_nifti(name, volume.astype(kind), oblique_affine))
    assert isinstance(image, MetaTensor)
    assert image.dtype == torch.float32
    np.testing.assert_array_equal(image.numpy(), volume[None])
    np.testing.assert_allclose(image.affine, oblique_affine, atol=1e-5)
    assert image.meta["filename_or_obj"].endswith(name)


def test_complex_nifti_stays_complex(write_nifti, volume):
    values = (volume + 1j * volume[::-1]).astype(np.complex64)
    image = load_volume(write_nifti("c.nii.gz", values))
    assert image.dtype == torch.complex64
    np.testing.assert_array_equal(image.numpy()[0], values)


def test_trailing_axis_of_one_is_dropped(write_nifti, volume):
    assert load_volume(write_nifti("a.nii.gz", volume[..., None])).shape == (1, 20, 24, 18)


def test_scale_factors_of_the_header_are_applied(tmp_path, volume):
    image = nib.Nifti1Image(volume.astype(np.int16), np.eye(4))
    image.header.set_slope_inter(0.5, -10)
    nib.save(image, tmp_path / "s.nii.gz")
    stored = np.asarray(image.dataobj)
    np.testing.assert_allclose(
        load_volume(tmp_path / "s.nii.gz")[0].numpy(), nib.load(tmp_path / "s.nii.gz").get_fdata()
    )
    assert stored.max() > 0


@pytest.mark.parametrize("shape", [(20, 24), (20, 24, 1)])
def test_slice_is_a_volume_of_one_slice(write_nifti, volume, shape):
    image = load_volume(write_nifti("s.nii.gz", volume[..., 0].reshape(shape)), plane="axial")
    assert image.shape == (1, 20, 24, 1)
    assert SlicesOfPlane("axial")(image).shape == (1, 1, 24, 20)


@pytest.mark.parametrize("plane", [None, "coronal", "axial", "sagittal"])
def test_numpy_slice_comes_out_as_displayed(tmp_path, volume, plane):
    np.save(tmp_path / "s.npy", volume[..., 0].astype(np.float64))
    np.save(tmp_path / "n.npy", volume)
    image = SlicesOfPlane(plane or "coronal")(load_volume(tmp_path / "s.npy", plane))
    assert image.dtype == torch.float32
    np.testing.assert_array_equal(image.numpy(), volume[..., 0][None, None])
    np.testing.assert_array_equal(SlicesOfPlane(plane or "coronal")(load_volume(tmp_path / "n.npy", plane))[0], volume)


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_itk_file_has_the_affine_of_the_nifti_that_itk_writes(tmp_path, volume, suffix):
    image = sitk.GetImageFromArray(volume)
    image.SetSpacing((0.8, 1.1, 2.5))
    image.SetOrigin((-10, 20, 30))
    image.SetDirection((0, 0, 1, 0.6, 0.8, 0, -0.8, 0.6, 0))
    sitk.WriteImage(image, str(tmp_path / f"a.{suffix}"))
    sitk.WriteImage(image, str(tmp_path / "a.nii"))
    read, nifti = load_volume(tmp_path / f"a.{suffix}"), load_volume(tmp_path / "a.nii")
    np.testing.assert_allclose(read.affine, nifti.affine, atol=1e-4)
    np.testing.assert_array_equal(read.numpy(), nifti.numpy())


def _write(path, data):
    path.write_bytes(data)
    return path


def _scan():
    return RawScan(fourier(objects(1, 1, 20, 18)).astype(np.complex64))


def _saved(path, array):
    np.save(path, array)
    return path


def _truncated(write_nifti, volume, name, keep):
    path = write_nifti(name, volume)
    return _write(path, path.read_bytes()[:keep])


def _nan(write_nifti, volume, value):
    volume[3, 4, 5] = value
    return write_nifti("nan.nii.gz", volume)


def _colour(write_nifti):
    return write_nifti("rgb.nii", np.zeros((20, 20, 20), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")]))


def _field(write_nifti, volume, at, value):
    path = write_nifti("a.nii", volume)
    data = bytearray(path.read_bytes())
    data[at : at + 2] = np.array([value], "<i2").tobytes()
    return _write(path, bytes(data))


def _singular(write_nifti, volume, tmp_path):
    path = write_nifti("singular.nii", volume)
    data = bytearray(path.read_bytes())
    data[252:256] = b"\0\0\2\0"  # qform_code 0, sform_code 2
    data[280:328] = b"\0" * 48  # sform of zeros
    return _write(path, bytes(data))


BAD = {
    "no axes": ("shape", lambda w, v, t: _field(w, v, 40, 0)),
    "one axis": ("shape", lambda w, v, t: _field(w, v, 40, 1)),
    "eight axes": ("damaged", lambda w, v, t: _field(w, v, 40, 8)),
    "missing": ("no such file", lambda w, v, t: t / "none.nii.gz"),
    "truncated": ("truncated", lambda w, v, t: _truncated(w, v, "a.nii", 5000)),
    "truncated gz": ("truncated", lambda w, v, t: _truncated(w, v, "a.nii.gz", 5000)),
    "hardly begun": ("damaged", lambda w, v, t: _truncated(w, v, "a.nii.gz", 40)),
    "empty": ("damaged", lambda w, v, t: _write(t / "a.nii.gz", b"")),
    "text": ("NIfTI", lambda w, v, t: _write(t / "a.nii", b"this is a text\n" * 100)),
    "text gz": ("NIfTI", lambda w, v, t: _write(t / "a.nii.gz", b"this is a text\n" * 100)),
    "nan": ("1 of 8640", lambda w, v, t: _nan(w, v, np.nan)),
    "inf": ("1 of 8640", lambda w, v, t: _nan(w, v, -np.inf)),
    "constant": ("is 7", lambda w, v, t: w("a.nii.gz", np.full((20, 20, 20), 7, dtype=np.int16))),
    "4-D": ("4-D", lambda w, v, t: w("a.nii.gz", np.stack([v, v], -1))),
    "small": ("20 x 8 x 8", lambda w, v, t: w("a.nii.gz", v[:, :8, :8])),
    "colours": ("colours", lambda w, v, t: _colour(w)),
    "singular": ("affine", lambda w, v, t: _singular(w, v, t)),
    "unknown": ("unknown", lambda w, v, t: _write(t / "a.txt", b"text")),
    "npy": ("NumPy", lambda w, v, t: _write(t / "a.npy", b"text")),
    "nrrd": ("NRRD", lambda w, v, t: _write(t / "a.nrrd", b"text")),
    "raw file": ("k-space", lambda w, v, t: write_ismrmrd(_scan(), t / "a.h5")),
    "k-space npy": ("k-space", lambda w, v, t: _saved(t / "a.npy", fourier(objects(4, 32, 32)))),
    "k-space nifti": ("k-space", lambda w, v, t: w("a.nii.gz", fourier(objects(32, 32)).astype("c8"))),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_clear_line(write_nifti, volume, tmp_path, case):
    word, make = BAD[case]
    path = make(write_nifti, volume, tmp_path)
    assert own_plane(path) in IN_PLANE
    with pytest.raises((ValueError, FileNotFoundError), match=word) as info:
        load_volume(path)
    text = str(info.value)
    assert text.startswith(str(path))
    assert "\n" not in text


def test_the_content_decides_not_the_name(write_nifti, volume, tmp_path):
    write_nifti("a.nii.gz", volume).rename(tmp_path / "packed.img")
    write_nifti("b.nii", volume).rename(tmp_path / "plain.nii.gz")
    np.save(tmp_path / "c.npy", volume)
    (tmp_path / "c.npy").rename(tmp_path / "slices.bin")
    for name in ("packed.img", "plain.nii.gz", "slices.bin"):
        np.testing.assert_array_equal(load_volume(tmp_path / name)[0], volume)
    assert [path.name for path in find_volumes(tmp_path)] == ["packed.img", "plain.nii.gz", "slices.bin"]


def test_nifti_2(tmp_path, volume, oblique_affine):
    nib.save(nib.Nifti2Image(volume, oblique_affine), tmp_path / "two.nii.gz")
    image = load_volume(tmp_path / "two.nii.gz")
    np.testing.assert_array_equal(image[0], volume)
    np.testing.assert_allclose(image.affine, oblique_affine)


def test_pickled_numpy_file_is_not_opened(tmp_path):
    np.save(tmp_path / "p.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"p\.npy"):
        load_volume(tmp_path / "p.npy")


def test_small_slices_of_the_wanted_plane_name_a_plane_that_fits(write_nifti, volume):
    path = write_nifti("thin.nii.gz", volume[:, :, :5])
    with pytest.raises(ValueError, match=r"20 x 5.*axial"):
        load_volume(path, plane="coronal")
    assert load_volume(path, plane="axial").shape == (1, 20, 24, 5)


def test_unknown_plane(write_nifti, volume):
    with pytest.raises(ValueError, match="frontal"):
        load_volume(write_nifti("a.nii", volume), plane="frontal")


def test_transform_pair_reads_the_same(write_nifti, volume):
    path = write_nifti("a.nii.gz", volume)
    pair = LoadVolumed("image", plane="coronal")({"image": str(path), "person": "a"})
    assert pair["person"] == "a"
    assert torch.equal(pair["image"], load_volume(path))


def test_find_volumes(write_nifti, volume, tmp_path, write_series):
    write_nifti("in/b.nii.gz", volume)
    write_nifti("in/a.nii", volume)
    (tmp_path / "in/notes.txt").write_text("x")
    series, _ = write_series("in/scan")
    assert [path.name for path in find_volumes(tmp_path / "in")] == ["a.nii", "b.nii.gz", "scan"]
    assert find_volumes(series) == [series]
    assert find_volumes(tmp_path / "in/a.nii") == [tmp_path / "in/a.nii"]
    (tmp_path / "void").mkdir()
    with pytest.raises(ValueError, match="void"):
        find_volumes(tmp_path / "void")
    with pytest.raises(FileNotFoundError, match="none"):
        find_volumes(tmp_path / "none")


def test_a_folder_hides_nothing(write_nifti, volume, tmp_path, write_series):
    """A DICOM file beside other volumes, leftovers and hidden files, links to nothing, damaged volumes."""
    folder, _ = write_series("in", slices=1)
    write_nifti("in/a.nii.gz", volume)
    write_nifti("in/._b.nii.gz", volume)
    write_nifti("in/.123.part.c_recon.nii.gz", volume)
    (folder / "d.nii.gz").symlink_to(tmp_path / "annex/d.nii.gz")
    (folder / "e.nii").write_bytes(b"")
    (folder / "notes.txt").symlink_to(tmp_path / "nowhere.txt")
    write_series("in/deep")[0].joinpath("f.dcm").write_bytes(bytes(500))
    found = find_volumes(folder)
    assert [path.name for path in found] == [
        "in",
        "a.nii.gz",
        "d.nii.gz",
        "e.nii",
    ]  # the subfolder is one with "in"
    load_volume(found[1])
    with pytest.raises(FileNotFoundError, match=r"d\.nii\.gz: is a link"):
        load_volume(found[2])
    for path in (folder / "deep", found[3]):
        with pytest.raises(ValueError, match=path.name):
            load_volume(path)


@pytest.mark.parametrize("name", ["x.h5", "x.mrd", "x.mat", "x.npy", "x.nhdr"])
def test_a_pipe_that_is_named_like_input_is_not_left_out(write_nifti, volume, tmp_path, name):
    write_nifti("in/a.nii.gz", volume)
    os.mkfifo(tmp_path / "in" / name)
    assert [path.name for path in find_volumes(tmp_path / "in")] == ["a.nii.gz", name]
    with pytest.raises(ValueError, match=f"{name}: is a pipe"):
        load_volume(tmp_path / "in" / name)


def test_negative_lengths_and_cifti_end_their_own_volume(write_nifti, volume, tmp_path):
    negative = _field(write_nifti, volume, 42, -20)
    axes = (nib.cifti2.SeriesAxis(0, 1, 4), nib.cifti2.ScalarAxis(["a", "b"]))
    nib.save(nib.cifti2.Cifti2Image(np.zeros((4, 2), "f4"), axes), tmp_path / "b.dscalar.nii")
    for path in (negative, tmp_path / "b.dscalar.nii"):
        with pytest.raises(ValueError, match=path.name):
            load_volume(path)


def test_values_that_float32_would_change_are_refused(write_nifti, volume):
    for name, values, word in (
        ("huge.nii", volume.astype(np.float64) * 1e300, "3e38"),
        ("tiny.nii", volume.astype(np.float32) * np.float32(1e-43), "too close"),
        ("offset.nii", volume.astype(np.float64) / 10 + 1e9, "too close"),
    ):
        with pytest.raises(ValueError, match=rf"{name}.*{word}"):
            load_volume(write_nifti(name, values))
    small = load_volume(write_nifti("small.nii", volume * 1e-20))
    np.testing.assert_allclose(small.numpy()[0], volume * 1e-20, rtol=1e-6)


def test_a_label_map_that_is_taken_for_an_image_is_told(write_nifti, volume, caplog):
    blocks = np.random.default_rng(0).integers(0, 4, (4, 4, 4))
    load_volume(write_nifti("seg.nii", np.kron(blocks, np.ones((8, 8, 8))).astype(np.float32)))
    assert "label map" in caplog.text
    caplog.clear()
    load_volume(write_nifti("image.nii", volume))
    assert not caplog.text


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd"])
def test_atlas_ids_stay_what_they_are(write_nifti, tmp_path, suffix):
    labels = np.zeros((6, 5, 4), np.int32)
    labels[1:3], labels[3:5] = 312_782_546, 312_782_550
    path = tmp_path / f"atlas.{suffix}"
    if suffix == "nrrd":
        sitk.WriteImage(sitk.GetImageFromArray(labels.T), str(path))
    else:
        write_nifti(path.name, labels)
    np.testing.assert_array_equal(load_label_volume(path).numpy()[0], labels)


@pytest.mark.parametrize("code", [0, 2, 4, 6, 7, 24, 30])
def test_unknown_units_of_nifti_are_mm_and_named(write_nifti, volume, code, caplog):
    affine = np.diag([2.0, 3, 4, 1])
    path = write_nifti("a.nii", volume, affine)
    data = bytearray(path.read_bytes())
    data[123] = code
    with caplog.at_level("INFO"):
        np.testing.assert_allclose(load_volume(_write(path, bytes(data))).affine, affine, rtol=1e-6)
    assert ("unit" in caplog.text) == (code != 2)
    assert any(record.levelname == "WARNING" for record in caplog.records) == (code % 8 > 3)


def test_voxels_of_a_micron_are_valid(write_nifti, volume):
    affine = np.diag([1e-3, 1e-3, 5e-4, 1])
    np.testing.assert_allclose(load_volume(write_nifti("a.nii", volume, affine)).affine, affine, rtol=1e-6)


def test_embedded_coronal_slice_is_upright():
    from monai_gan_recon.data import load_manifest

    (entry,) = load_manifest("embedded_train").section("validation")
    image = load_volume(entry["image"], plane="coronal")
    np.testing.assert_array_equal(
        SlicesOfPlane("coronal")(image).numpy()[0, 0], np.load(entry["image"]).astype(np.float32)
    )
