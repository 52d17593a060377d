"""NIfTI in and out: any geometry, type, scale and unit, judged by SimpleITK; damage at any place of the file."""

import gzip
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from monai_gan_recon.io import load_label_volume, load_volume, save_nifti
from monai_gan_recon.io.nifti import TRANSFORMS

UNITS = {"mm": 1.0, "micron": 1e-3, "meter": 1e3, "unknown": 1.0}
TYPES = ["u1", "i2", ">i2", "u2", "i4", "f4", ">f4", "f8"]
quickly = settings(max_examples=40, deadline=None, database=None, derandomize=True)


def rigid(angles, spacing, flip, origin):
    """Affine of straight voxels: any rotation, left- or right-handed."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * spacing
    affine[:3, 0] *= -1 if flip else 1
    affine[:3, 3] = origin
    return affine


angle, length, place = st.floats(-180, 180), st.floats(0.2, 7), st.floats(-300, 300)
affines = st.builds(rigid, st.tuples(angle, angle, angle), st.tuples(length, length, length), st.booleans(),
                    st.tuples(place, place, place))  # fmt: skip


def write(path, values, sform, qform, codes, unit="mm", scale=None, kind=nib.Nifti1Image):
    """A NIfTI file with these transforms, in this unit (of 1 mm each)."""
    to_unit = np.diag([*[1 / UNITS[unit]] * 3, 1])
    image = kind(values, None)
    image.header.set_zooms(np.linalg.norm((to_unit @ sform)[:3, :3], axis=0))
    image.header.set_sform(to_unit @ sform, codes[0])
    if codes[1]:  # it sets the lengths of the voxels too, which ITK takes whatever the code says
        image.header.set_qform(to_unit @ qform, codes[1])
    image.header.set_xyzt_units(unit)
    if scale:
        image.header.set_slope_inter(*scale)
    nib.save(image, path)
    return path


def geometry(path):
    image = sitk.ReadImage(str(path))
    return np.array([*image.GetOrigin(), *image.GetSpacing(), *image.GetDirection()])


def smallest(shape, kind, seed=0):
    return np.random.default_rng(seed).integers(0, 200, shape).astype(kind)


@quickly
@given(
    affines,
    affines,
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    st.tuples(st.integers(16, 20), st.integers(16, 19), st.integers(1, 4)),
    st.sampled_from(TYPES),
    st.sampled_from(list(UNITS)),
    st.sampled_from([None, (0.5, -3.0), (2e-3, 0.0)]),
    st.sampled_from(["a.nii", "a.nii.gz"]),
    st.sampled_from([nib.Nifti1Image, nib.Nifti2Image]),
)
def test_what_is_written_lies_where_what_was_read_lay(sform, qform, codes, shape, dtype, unit, scale, name, kind):
    with tempfile.TemporaryDirectory() as folder:
        source = write(Path(folder) / name, smallest(shape, dtype), sform, qform, codes, unit, scale, kind)
        image = load_volume(source)
        target = save_nifti(image, image.affine, Path(folder) / f"out_{name}", image.meta)
        np.testing.assert_allclose(image[0].numpy(), nib.load(source).get_fdata(), rtol=1e-6)
        np.testing.assert_array_equal(nib.load(target).get_fdata(), image[0].numpy())
        header = nib.load(target).header
        assert (int(header["sform_code"]), int(header["qform_code"])) == codes
        assert header.get_xyzt_units()[0] == "mm"
        for code, matrix, stored in (
            (codes[0], sform, header.get_sform),
            (codes[1], qform, header.get_qform),
        ):
            if code:
                np.testing.assert_allclose(stored(), matrix, rtol=1e-4, atol=1e-3)
        if kind is nib.Nifti1Image:  # ITK knows no other
            np.testing.assert_allclose(geometry(target), geometry(source), rtol=1e-4, atol=1e-3)
        if any(codes):
            np.testing.assert_allclose(image.affine, sform if codes[0] else qform, rtol=1e-4, atol=1e-3)


@quickly
@given(affines, st.integers(1, 3), st.sampled_from(["u1", "u2", "i4", "i8"]))
def test_labels_come_back_as_they_are(affine, slices, dtype):
    top = min(np.iinfo(dtype).max, 2**53)
    labels = np.random.default_rng(slices).integers(0, top, (5, 4, slices), dtype=dtype, endpoint=True)
    with tempfile.TemporaryDirectory() as folder:
        path = save_nifti(labels, affine, Path(folder) / "labels.nii.gz")
        np.testing.assert_array_equal(load_label_volume(path)[0].numpy(), labels)
        assert nib.load(path).header.get_intent()[0] == "label"


def test_a_qform_is_left_out_where_the_affine_has_shears(tmp_path, volume):
    affine = np.diag([1.0, 1, 3, 1])
    affine[1, 2] = 0.7  # a tilted gantry
    header = nib.load(save_nifti(volume, affine, tmp_path / "a.nii")).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 0)
    np.testing.assert_allclose(header.get_sform(), affine, rtol=1e-6)


def test_transforms_of_another_grid_are_not_copied(tmp_path, volume):
    write(tmp_path / "a.nii", volume, np.eye(4), np.eye(4), (4, 4))
    image = load_volume(tmp_path / "a.nii")
    moved = np.diag([2.0, 2, 2, 1])
    header = nib.load(save_nifti(volume, moved, tmp_path / "b.nii", image.meta)).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
    np.testing.assert_array_equal(header.get_sform(), moved)


def test_an_orientation_that_nobody_stated_is_told(tmp_path, volume, caplog):
    write(tmp_path / "a.nii", volume, np.eye(4), np.eye(4), (0, 0))
    load_volume(tmp_path / "a.nii")
    assert "a.nii" in caplog.text
    caplog.clear()
    write(tmp_path / "b.nii", volume, np.eye(4), np.eye(4), (0, 1))
    load_volume(tmp_path / "b.nii")
    assert caplog.text == ""


def test_a_quaternion_that_is_rounded_up_is_read(tmp_path, volume):
    turned = rigid((0, 0, 180), (1, 1, 2), False, (3, 4, 5))
    path = write(tmp_path / "a.nii", volume, turned, turned, (0, 1))
    data = bytearray(path.read_bytes())
    data[256:268] = np.array([0, 0, 1 + 2e-6], "<f4").tobytes()
    path.write_bytes(data)
    np.testing.assert_allclose(load_volume(path).affine, turned, atol=1e-5)
    np.testing.assert_allclose(load_volume(path).meta[TRANSFORMS].qform, turned, atol=1e-5)


def test_flipped_bits_of_a_compressed_file_are_never_read(tmp_path, volume, write_nifti):
    good = write_nifti("good.nii.gz", np.round(volume / 100).astype(np.int16))
    content, expected = good.read_bytes(), load_volume(good).numpy()
    rng, bad, refused = np.random.default_rng(0), tmp_path / "bad.nii.gz", 0
    for position in rng.integers(10, len(content), 150):
        changed = bytearray(content)
        changed[position] ^= 1 << rng.integers(8)
        bad.write_bytes(changed)
        try:
            np.testing.assert_array_equal(load_volume(bad).numpy(), expected)  # its name's letters may change
        except ValueError:
            refused += 1
    assert refused > 130
    for cut in (8, 4, 1):
        bad.write_bytes(content[:-cut])
        with pytest.raises(ValueError, match="truncated"):
            load_volume(bad)


def test_memory_is_not_asked_for_what_a_header_only_announces(tmp_path, volume, write_nifti):
    data = bytearray(write_nifti("a.nii", volume).read_bytes())
    data[42:48] = np.array([30000, 30000, 30000], "<i2").tobytes()
    for name, content in (("b.nii", bytes(data)), ("b.nii.gz", gzip.compress(data))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="truncated"):
            load_volume(tmp_path / name)


@pytest.mark.parametrize("slope", [0.99999994, 1.0])
def test_labels_with_a_rounded_slope(tmp_path, slope):
    labels = np.arange(60, dtype=np.int32).reshape(3, 4, 5) + 312_782_500
    image = nib.Nifti1Image(labels, np.eye(4))
    nib.save(image, tmp_path / "a.nii")
    data = bytearray((tmp_path / "a.nii").read_bytes())
    data[112:116] = np.float32(slope).tobytes()
    (tmp_path / "a.nii").write_bytes(data)
    np.testing.assert_array_equal(load_label_volume(tmp_path / "a.nii")[0].numpy(), labels)


def test_labels_that_are_no_whole_numbers(write_nifti, volume):
    with pytest.raises(ValueError, match=r"a\.nii.*0\.5"):
        load_label_volume(write_nifti("a.nii", np.where(volume > 50, 2, 0.5)))


@pytest.mark.parametrize("wrong", [-1, 2**63])
def test_labels_that_nifti_cannot_hold_are_not_written(tmp_path, wrong):
    labels = np.array([[[0, 3, wrong]]], dtype=np.int64 if wrong < 0 else np.uint64)
    with pytest.raises(ValueError, match=rf"a\.nii.*{wrong}"):
        save_nifti(labels, np.eye(4), tmp_path / "a.nii")
    assert not (tmp_path / "a.nii").exists()


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("start", [0, 16, -1, 1e15, np.nan])
def test_voxels_that_would_begin_in_the_header_or_nowhere_are_refused(tmp_path, volume, kind, start):
    nib.save(kind(volume, np.eye(4)), tmp_path / "a.nii")
    data = bytearray((tmp_path / "a.nii").read_bytes())
    if kind is nib.Nifti1Image:
        data[108:112] = np.array([start], "<f4").tobytes()
    else:
        data[168:176] = np.array([start if np.isfinite(start) else -(2**63)], "<f8").astype("<i8").tobytes()
    (tmp_path / "a.nii").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.nii"):
        load_volume(tmp_path / "a.nii")


def test_extensions_whose_length_lies_do_not_matter(tmp_path, volume):
    image = nib.Nifti1Image(volume, np.eye(4))
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"some text"))
    nib.save(image, tmp_path / "a.nii")
    data = bytearray((tmp_path / "a.nii").read_bytes())
    data[352:356] = np.array([2**31 - 16], "<i4").tobytes()
    (tmp_path / "a.nii").write_bytes(data)
    np.testing.assert_array_equal(load_volume(tmp_path / "a.nii").numpy()[0], volume)


@pytest.mark.parametrize("place", [252, 254])
@pytest.mark.parametrize("code", [-1, 99])
def test_unknown_codes_are_refused_rather_than_forgotten(tmp_path, place, code):
    affine = np.diag([2.0, 3, 4, 1])
    path = write(tmp_path / "a.nii", smallest((18, 17, 3), "i2"), affine, affine, (1, 1))
    data = bytearray(path.read_bytes())
    data[place : place + 2] = np.array([code], "<i2").tobytes()
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.nii"):
        load_volume(path)


@pytest.mark.parametrize(("place", "value"), [(256, np.nan), (80, np.nan), (84, np.inf)])
def test_a_qform_that_is_no_place_is_left_out_beside_a_sform(tmp_path, volume, place, value):
    turned = rigid((0, 0, 90), (1, 2, 3), False, (3, 4, 5))
    path = write(tmp_path / "a.nii", volume, turned, turned, (2, 1))
    data = bytearray(path.read_bytes())
    data[place : place + 4] = np.array(value, "<f4").tobytes()
    path.write_bytes(data)
    image = load_volume(path)
    header = nib.load(save_nifti(image, image.affine, tmp_path / "b.nii", image.meta)).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (2, 0)
    np.testing.assert_allclose(header.get_sform(), turned, atol=1e-5)


def test_a_stream_that_inflates_on_and_on_behind_its_voxels_is_refused(tmp_path):
    write(tmp_path / "a.nii", np.arange(16 * 16 * 16, dtype="i2").reshape(16, 16, 16), np.eye(4), np.eye(4), (1, 1))
    content = (tmp_path / "a.nii").read_bytes()
    for more, right in ((1 << 10, True), (1 << 27, False)):
        (tmp_path / "a.nii.gz").write_bytes(gzip.compress(content + bytes(more), 1))
        if right:
            assert load_volume(tmp_path / "a.nii.gz").shape == (1, 16, 16, 16)
        else:
            with pytest.raises(ValueError, match=r"a\.nii\.gz"):
                load_volume(tmp_path / "a.nii.gz")
