"""Bare arrays: the axes are stated, never guessed."""

import struct
import tracemalloc
import zlib

import h5py
import numpy as np
import pytest
import scipy.io

from monai_gan_recon.io import read_mask, read_raw
from tests.io.conftest import fourier, objects


def test_one_slice_of_one_coil_needs_no_axes(tmp_path, kspace):
    np.save(tmp_path / "a.npy", kspace[0, 0][None, :, :, None])
    scan = read_raw(tmp_path / "a.npy")
    np.testing.assert_array_equal(scan.kspace, kspace[:1, :1])
    assert scan.readout


def test_singleton_axes_may_be_left_out(tmp_path, kspace):
    np.save(tmp_path / "a.npy", kspace[:1])
    np.testing.assert_array_equal(read_raw(tmp_path / "a.npy", "coils,h,w").kspace, kspace[:1])
    np.testing.assert_array_equal(read_raw(tmp_path / "a.npy", " slices, Coils,h,w").kspace, kspace[:1])


def test_three_dimensional_kspace_becomes_slices_across_the_readout(tmp_path):
    image = objects(2, 20, 32, 24)  # coils, readout, phase1, phase2
    full = fourier(image, axes=(1, 2, 3))
    np.save(tmp_path / "a.npy", full.transpose(2, 1, 3, 0))
    scan = read_raw(tmp_path / "a.npy", "phase1,readout,phase2,coils")
    np.testing.assert_allclose(scan.kspace, fourier(image).transpose(1, 0, 2, 3), atol=1e-5)
    assert not scan.readout


def test_matlab_files(tmp_path, kspace):
    arrays = {"kspace": kspace[0], "other": kspace[1], "image": np.abs(kspace[2])}
    scipy.io.savemat(tmp_path / "five.mat", arrays)
    with h5py.File(tmp_path / "seven.mat", "w", userblock_size=512) as file:
        for name, value in arrays.items():  # as MATLAB 7.3 does: Fortran's order, pairs of numbers
            value = value.T.astype(np.complex128 if np.iscomplexobj(value) else float)
            pair = np.dtype([("real", "<f8"), ("imag", "<f8")])
            file[name] = np.ascontiguousarray(value).view(pair) if np.iscomplexobj(value) else value
    with (tmp_path / "seven.mat").open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))
    for name in ("five.mat", "seven.mat"):
        np.testing.assert_array_equal(read_raw(tmp_path / name, "coils,h,w").kspace, kspace[:1])
        np.testing.assert_array_equal(read_raw(tmp_path / name, "coils,h,w", key="other").kspace, kspace[1:2])
        with pytest.raises(ValueError, match="image"):  # lists what there is
            read_raw(tmp_path / name, "coils,h,w", key="none")
        with pytest.raises(ValueError, match="real"):
            read_raw(tmp_path / name, "coils,h,w", key="image")


@pytest.mark.parametrize(
    ("axes", "word"),
    [
        (None, "axes"),
        ("coils,h", "axes"),
        ("coils,h,w,slices", "axes"),
        ("coils,h,h", "axes"),
        ("h,phase1,coils", "axes"),
        ("coils,x,y", "axes"),
        ("slices,readout,phase1,phase2", "slices"),
    ],
)
def test_axes_that_do_not_fit(tmp_path, kspace, axes, word):
    np.save(tmp_path / "a.npy", kspace[0])
    with pytest.raises(ValueError, match=word) as info:
        read_raw(tmp_path / "a.npy", axes)
    assert str(info.value).startswith(str(tmp_path / "a.npy"))


def test_real_arrays_and_pickles_are_refused(tmp_path, kspace):
    np.save(tmp_path / "a.npy", np.abs(kspace[0, 0]))
    with pytest.raises(ValueError, match="real"):
        read_raw(tmp_path / "a.npy")
    np.save(tmp_path / "p.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"p\.npy"):
        read_raw(tmp_path / "p.npy")


def test_archives_and_lying_headers_are_one_clear_line(tmp_path, kspace):
    np.savez(tmp_path / "z.npz", kspace=kspace)
    (tmp_path / "z.npz").rename(tmp_path / "z.npy")
    np.save(tmp_path / "l.npy", kspace[0])
    content = (tmp_path / "l.npy").read_bytes().replace(b"(4, 32, 24)", b"(9999999,)#")
    (tmp_path / "l.npy").write_bytes(content)
    (tmp_path / "h.npy").write_bytes(b"\x93NUMPY\2\0\xff\xff\xff\x7f" + content[10:])  # a header of 2 GiB
    scipy.io.savemat(tmp_path / "m.mat", {"kspace": kspace[0]}, do_compression=True)
    changed = bytearray((tmp_path / "m.mat").read_bytes())
    changed[len(changed) // 2] ^= 4
    (tmp_path / "m.mat").write_bytes(changed)
    for name in ("z.npy", "l.npy", "h.npy", "m.mat"):
        with pytest.raises(ValueError, match=name.replace(".", r"\.")):
            read_raw(tmp_path / name, "coils,h,w")


def test_memory_is_not_asked_for_what_a_dataset_only_announces(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("kspace", (1000, 100, 4000, 4000), np.complex64, chunks=(1, 1, 64, 64))
    with pytest.raises(ValueError, match=r"a\.h5.*announces"):
        read_raw(tmp_path / "a.h5")


def test_a_damaged_type_whose_fields_overlap_is_refused(tmp_path, kspace):
    pair = np.dtype([("real", "<f8"), ("imag", "<f8")])
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["kspace"] = kspace[0, 0].astype(np.complex128).view(pair)
    bias = (1023).to_bytes(4, "little")  # of the exponent: with another one, h5py takes 8 bytes for 16
    content = (tmp_path / "a.mat").read_bytes()
    assert bias in content
    (tmp_path / "a.mat").write_bytes(content.replace(bias, (1019).to_bytes(4, "little"), 1))
    with pytest.raises(ValueError, match=r"a\.mat"):
        read_raw(tmp_path / "a.mat")


def test_a_matlab_array_that_inflates_beyond_what_it_tells_is_refused_without_the_memory(tmp_path, kspace):
    scipy.io.savemat(tmp_path / "a.mat", {"kspace": kspace[0, 0]})
    content = (tmp_path / "a.mat").read_bytes()
    packed = zlib.compress(content[128:] + bytes(1 << 28))
    (tmp_path / "a.mat").write_bytes(content[:128] + struct.pack("<II", 15, len(packed)) + packed)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"a\.mat"):
        read_raw(tmp_path / "a.mat")
    assert tracemalloc.get_traced_memory()[1] < 1 << 26
    tracemalloc.stop()


def test_a_matlab_file_of_version_4_is_called_so(tmp_path, kspace):
    scipy.io.savemat(tmp_path / "four.mat", {"kspace": kspace[0, 0]}, format="4")
    with pytest.raises(ValueError, match=r"four\.mat.*version 4"):
        read_raw(tmp_path / "four.mat")


@pytest.mark.parametrize(
    ("values", "right"),
    [
        (np.arange(20) % 3, True), (255 * (np.arange(20) % 2), True), (0.99999 * (np.arange(20) % 2), True),
        (np.linspace(0, 1, 20), False), (np.array([0, 1, -1]), False), (np.array([0, 0.98, 1]), False),
        (np.array([1, np.nan]), False), (np.array(["a"]), False),
    ],
)  # fmt: skip
def test_a_density_or_an_interpolated_mask_is_no_sampling_mask(tmp_path, values, right):
    np.save(tmp_path / "m.npy", values)
    if right:
        np.testing.assert_array_equal(read_mask(tmp_path / "m.npy"), values != 0)
    else:
        with pytest.raises(ValueError, match=r"m\.npy"):
            read_mask(tmp_path / "m.npy")
