"""fastMRI's HDF5 files: mask, header, one coil or several."""

import h5py
import numpy as np
import pytest

from monai_gan_recon.io import convert, read_raw
from tests.io.conftest import header, write_fastmri

XML = header((32, 24, 1), (16, 20, 1), (440, 264, 5), (220, 220, 5))


def test_header_tells_oversampling_matrix_and_spacing(tmp_path, kspace):
    scan = read_raw(write_fastmri(tmp_path / "a.h5", kspace, ismrmrd_header=XML))
    assert scan.readout_oversampling == 2
    assert scan.matrix == (16, 20)
    np.testing.assert_allclose(np.linalg.norm(scan.affine[:3, :3], axis=0), (5, 440 / 32, 264 / 24))
    np.testing.assert_allclose(scan.affine @ [3 // 2, 16, 12, 1], [0, 0, 0, 1], atol=1e-9)


def test_one_coil(tmp_path, kspace):
    np.testing.assert_array_equal(read_raw(write_fastmri(tmp_path / "a.h5", kspace[:, 0])).kspace, kspace[:, :1])


def test_mask_of_columns_without_those_that_only_pad(tmp_path, kspace):
    mask = np.arange(24) % 3 == 0
    kspace[..., ~mask] = 0
    kspace[..., :4] = 0
    scan = read_raw(write_fastmri(tmp_path / "a.h5", kspace, mask=mask.astype(np.float32)))
    expected = mask & (np.arange(24) >= 4)
    np.testing.assert_array_equal(scan.mask, np.broadcast_to(expected, (32, 24)))
    again = read_raw(convert(tmp_path / "a.h5", tmp_path / "b.h5"))
    np.testing.assert_array_equal(again.sampled(), scan.sampled())


def test_maps_travel_through_ismrmrd(tmp_path, kspace):
    maps = np.roll(kspace, 3, axis=2)
    scan = read_raw(write_fastmri(tmp_path / "a.h5", kspace, sensitivity_maps=maps))
    np.testing.assert_array_equal(scan.maps, maps)
    np.testing.assert_array_equal(read_raw(convert(tmp_path / "a.h5", tmp_path / "b.h5")).maps, maps)


BAD = {
    "rank": lambda k: {"kspace": k[0, 0]},
    "real": lambda k: {"kspace": np.abs(k)},
    "nan": lambda k: {"kspace": k * np.where(np.arange(24) == 2, np.nan, 1)},
    "silent": lambda k: {"kspace": k * np.array([1, 0, 1, 1])[:, None, None]},
    "mask": lambda k: {"kspace": k, "mask": np.ones(23)},
    "mask without numbers": lambda k: {"kspace": k, "mask": np.full(24, np.nan)},
    "mask of texts": lambda k: {"kspace": k, "mask": np.array([b"x"] * 24)},
    "header": lambda k: {"kspace": k[:, :, :, :20], "ismrmrd_header": XML},
    "xml": lambda k: {"kspace": k, "ismrmrd_header": XML[:100]},
    "maps": lambda k: {"kspace": k, "sensitivity_maps": k[:, :2]},
}


@pytest.mark.parametrize("what", BAD)
def test_bad_files_are_one_clear_line(tmp_path, kspace, what):
    path = write_fastmri(tmp_path / "bad.h5", **BAD[what](kspace))
    with pytest.raises(ValueError, match=r"bad\.h5") as info:
        read_raw(path)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("how", ["link", "group", "storage", "virtual"])
def test_data_in_another_file_are_not_read(tmp_path, kspace, how):
    """What a file of a stranger names on this disk would come out as an image."""
    secret = write_fastmri(tmp_path / "secret.h5", kspace)
    kspace.tofile(tmp_path / "secret.bin")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["padding"] = np.zeros(2 * kspace.nbytes, np.uint8)
        if how == "link":
            file["kspace"] = h5py.ExternalLink(secret, "/kspace")
        elif how == "group":
            file["group/other"] = h5py.ExternalLink(secret, "/")
            file["kspace"] = h5py.SoftLink("/group/other/kspace")
        elif how == "storage":
            outside = [(str(tmp_path / "secret.bin"), 0, kspace.nbytes)]
            file.create_dataset("kspace", kspace.shape, kspace.dtype, external=outside)
        else:
            layout = h5py.VirtualLayout(kspace.shape, kspace.dtype)
            layout[:] = h5py.VirtualSource(secret, "kspace", kspace.shape)
            file.create_virtual_dataset("kspace", layout)
    with pytest.raises(ValueError, match=r"a\.h5.*another file"):
        read_raw(tmp_path / "a.h5")
