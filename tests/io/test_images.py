"""Files in: values and affine of good ones, one clear line for bad ones."""

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import torch
from monai.data import MetaTensor

from monai_gan_recon.io import LoadVolume, LoadVolumed, RawScan, find_volumes, load_volume, write_ismrmrd
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
    np.testing.assert_array_equal(
        SlicesOfPlane(plane or "coronal")(load_volume(tmp_path / "n.npy", plane))[0], volume
    )


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


def _singular(write_nifti, volume, tmp_path):
    path = write_nifti("singular.nii", volume)
    data = bytearray(path.read_bytes())
    data[252:256] = b"\0\0\2\0"  # qform_code 0, sform_code 2
    data[280:328] = b"\0" * 48  # sform of zeros
    return _write(path, bytes(data))


BAD = {
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
    pair = LoadVolumed(["image", "label"], plane="coronal", allow_missing_keys=True)(
        {"image": str(path), "person": "a"}
    )
    assert pair["person"] == "a"
    assert torch.equal(pair["image"], LoadVolume()(path))


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


def test_embedded_coronal_slice_is_upright():
    from monai_gan_recon.data import load_manifest

    (entry,) = load_manifest("embedded_train", section="validation")
    image = load_volume(entry["image"], plane="coronal")
    np.testing.assert_array_equal(
        SlicesOfPlane("coronal")(image).numpy()[0, 0], np.load(entry["image"]).astype(np.float32)
    )
