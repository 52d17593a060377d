"""NRRD and MetaImage in: units, data beside their header, damage, complex values."""

import numpy as np
import pytest
import SimpleITK as sitk

from monai_gan_recon.io import (
    load_volume,
)


@pytest.mark.parametrize(
    ("suffix", "unit"),
    [*[("nrrd", unit) for unit in ("um", "microns", "mm", "cm", "m")], *[("mha", unit) for unit in ("um", "mm", "cm")]],
)
def test_units_of_itk_files_become_mm(tmp_path, volume, suffix, unit):
    length = {"um": 1e-3, "microns": 1e-3, "mm": 1, "cm": 10, "m": 1000}[unit]
    image = sitk.GetImageFromArray(volume)
    image.SetSpacing((0.8, 1.1, 2.5))
    image.SetOrigin((-10, 20, 30))
    path = tmp_path / f"a.{suffix}"
    sitk.WriteImage(image, str(path))
    plain = load_volume(path).affine.numpy()
    if suffix == "nrrd":
        mark, said = b"kinds:", f'space units: "{unit}" "{unit}" "{unit}"\n'
    else:
        mark, said = b"ElementSpacing", f"DistanceUnits = {unit}\n"
    path.write_bytes(path.read_bytes().replace(mark, said.encode() + mark, 1))
    np.testing.assert_allclose(load_volume(path).affine[:3], length * plain[:3], rtol=1e-6)


def _split(path, volume, *names):
    """A NRRD header whose data lie in files of their own, each a part of the slices."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, part in zip(names, np.array_split(volume.T, len(names)), strict=True):
        (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
        part.astype("<f4").tofile(path.parent / name)
    sizes, files = (
        " ".join(map(str, volume.shape)),
        names[0] if len(names) == 1 else "\n".join(["LIST", *names]),
    )
    header = f"NRRD0005\ntype: float\ndimension: 3\nsizes: {sizes}\nencoding: raw\nendian: little\n"
    path.write_text(f"{header}data file: {files}\n")
    return path


def _meta(path, volume, *names):
    _split(path, volume, *names)
    sizes, files = (
        " ".join(map(str, volume.shape)),
        names[0] if len(names) == 1 else "LIST\n" + "\n".join(names),
    )
    path.write_text(
        f"ObjectType = Image\nNDims = 3\nDimSize = {sizes}\nElementType = MET_FLOAT\n"
        f"ElementByteOrderMSB = False\nElementDataFile = {files}\n"
    )
    return path


@pytest.mark.parametrize("names", [["a.raw"], ["data/deep/a.raw"], [f"data/{k:02d}.raw" for k in range(18)]])
@pytest.mark.parametrize(("write", "suffix"), [(_split, "nhdr"), (_meta, "mhd"), (_meta, "mha")])
def test_data_of_a_header_lie_in_its_folder_or_deeper(tmp_path, volume, write, suffix, names):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/neighbour.mha").write_bytes(b"unreadable")
    path = write(tmp_path / "in" / f"a.{suffix}", volume, *names)
    np.testing.assert_array_equal(load_volume(path).numpy()[0], volume)
    (path.parent / names[-1]).unlink()
    with pytest.raises(FileNotFoundError, match=names[-1]):
        load_volume(path)


@pytest.mark.parametrize(("write", "suffix"), [(_split, "nrrd"), (_meta, "mha")])
def test_a_header_is_no_voxels(tmp_path, volume, write, suffix):
    path = write(tmp_path / f"a.{suffix}", volume, "b.raw")
    text = path.read_bytes().replace(b"b.raw", f"./a.{suffix}".encode())
    path.write_bytes(text + bytes(volume.astype("<f4").data))
    with pytest.raises(ValueError, match=rf"a\.{suffix}"):
        load_volume(path)


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize(("write", "suffix"), [(_split, "nhdr"), (_meta, "mhd")])
def test_data_outside_the_folder_of_a_header_are_refused(tmp_path, volume, write, suffix, absolute):
    name = f"{tmp_path}/b.raw" if absolute else "data/../../b.raw"
    with pytest.raises(ValueError, match=rf"a\.{suffix}.*b\.raw"):
        load_volume(write(tmp_path / "in" / f"a.{suffix}", volume, name))


def test_flipped_bits_of_compressed_data_beside_their_header_are_never_read(tmp_path, volume):
    path = tmp_path / "a.mhd"
    sitk.WriteImage(sitk.GetImageFromArray(volume), str(path), useCompression=True)
    (data,) = (file for file in tmp_path.iterdir() if file != path)
    load_volume(path)
    data.write_bytes(data.read_bytes()[:-1] + bytes([data.read_bytes()[-1] ^ 1]))
    with pytest.raises(ValueError, match="damaged"):
        load_volume(path)


def test_a_first_key_that_nobody_knows_does_not_keep_the_header_from_being_checked(tmp_path, volume):
    path = tmp_path / "a.mhd"
    sitk.WriteImage(sitk.GetImageFromArray(volume), str(path))
    path.write_text(path.read_text().replace("ObjectType", "OfjectType").replace("NDims = 3", "NDims = 99999999999"))
    with pytest.raises(ValueError, match=r"a\.mhd.*damaged"):
        load_volume(path)


def test_unknown_units_are_refused(tmp_path, volume):
    path = tmp_path / "a.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(volume), str(path))
    path.write_bytes(path.read_bytes().replace(b"kinds:", b'space units: "inch" "inch" "inch"\nkinds:', 1))
    with pytest.raises(ValueError, match=r"a\.nrrd.*inch"):
        load_volume(path)


def test_complex_nrrd_stays_complex(tmp_path, volume):
    values = (volume + 1j * volume[::-1]).astype(np.complex64)
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "c.nrrd"))
    np.testing.assert_array_equal(load_volume(tmp_path / "c.nrrd").numpy()[0], values.T)


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_flipped_bits_of_compressed_itk_files_are_never_read(tmp_path, volume, suffix):
    path = tmp_path / f"a.{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(volume), str(path), useCompression=True)
    content, rng = path.read_bytes(), np.random.default_rng(0)
    for position in rng.integers(len(content) // 2, len(content), 20):
        changed = bytearray(content)
        changed[position] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="damaged"):
            load_volume(path)


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("Slope = 1", True), ("Slope = 1.0\nElementToIntensityFunctionOffset = 0", True), ("Offset = -0.00", True),
        ("Slope = 2", False), ("Slope = -1", False), ("Slope = 1.5", False), ("Offset = 0.5", False),
    ],
)  # fmt: skip
def test_values_with_a_scale_that_itk_reads_past_are_refused(tmp_path, volume, line, right):
    path = tmp_path / "a.mha"
    sitk.WriteImage(sitk.GetImageFromArray(volume.T), str(path))
    said = f"ElementToIntensityFunction{line}\n".encode()
    path.write_bytes(path.read_bytes().replace(b"ElementSpacing", said + b"ElementSpacing", 1))
    if right:
        np.testing.assert_array_equal(load_volume(path).numpy()[0], volume)
    else:
        with pytest.raises(ValueError, match=r"a\.mha.*slope"):
            load_volume(path)


def test_an_axis_without_a_direction_is_refused(tmp_path, volume):
    path = tmp_path / "a.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(volume.T), str(path))
    assert b"directions: (1,0,0)" in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"directions: (1,0,0)", b"directions: none", 1))
    with pytest.raises(ValueError, match=r"a\.nrrd.*direction"):
        load_volume(path)


@pytest.mark.parametrize(
    ("true", "lie"), [("CompressedData = False", "CompressedData = True"), ("MET_FLOAT", "MET_STRING")]
)
def test_what_itk_reads_as_something_else_is_refused(tmp_path, volume, true, lie):
    path = tmp_path / "a.mhd"
    sitk.WriteImage(sitk.GetImageFromArray(volume.astype(np.float32)), str(path))
    text = path.read_text()
    assert true in text
    assert load_volume(path).shape[0] == 1
    path.write_text(text.replace(true, lie))
    with pytest.raises(ValueError, match=r"a\.mhd"):
        load_volume(path)
