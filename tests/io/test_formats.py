"""One k-space in every format is the same scan; the format is told by the content."""

import shutil

import numpy as np
import pytest
import scipy.io

from monai_gan_recon.io import convert, is_raw, read_raw
from tests.io.conftest import write_fastmri


@pytest.fixture
def formats(tmp_path, kspace, write_cfl):
    """Path and axes of the same scan in each format that an array can be written as."""
    np.save(tmp_path / "a.npy", kspace.transpose(1, 2, 3, 0).astype(np.complex128))
    scipy.io.savemat(tmp_path / "a.mat", {"kspace": kspace.transpose(2, 3, 0, 1), "rate": 0.3})
    bart = kspace.transpose(2, 3, 1, 0).reshape(32, 24, 1, 4, *[1] * 9, 3)
    return {
        "npy": (tmp_path / "a.npy", "coils,h,w,slices"),
        "mat": (tmp_path / "a.mat", "h,w,slices,coils"),
        "hdf5": (write_fastmri(tmp_path / "a.h5", kspace), None),
        "cfl": (write_cfl("b.cfl", bart), None),
    }


@pytest.mark.parametrize("name", ["npy", "mat", "hdf5", "cfl"])
def test_every_format_is_the_same_scan_and_so_is_its_ismrmrd(formats, kspace, tmp_path, name):
    path, axes = formats[name]
    scan = read_raw(path, axes)
    np.testing.assert_array_equal(scan.kspace, kspace)
    assert scan.readout
    assert is_raw(path)
    written = convert(path, tmp_path / "out" / "converted.mrd", axes=axes)
    again = read_raw(written)
    assert again.source == "ISMRMRD"
    np.testing.assert_allclose(again.kspace, kspace, atol=1e-6 * np.abs(kspace).max())
    assert is_raw(written)
    assert [file.name for file in written.parent.iterdir()] == ["converted.mrd"]


def test_the_name_of_a_file_does_not_decide(formats, kspace, tmp_path):
    for name, (path, axes) in formats.items():
        if name != "cfl":
            renamed = shutil.copy(path, tmp_path / f"{name}.raw")
            np.testing.assert_array_equal(read_raw(renamed, axes).kspace, kspace)


def test_the_target_is_not_replaced_unless_asked_to(formats, tmp_path):
    target = tmp_path / "t.h5"
    target.write_text("mine")
    with pytest.raises(ValueError, match=r"t\.h5"):
        convert(formats["hdf5"][0], target)
    assert target.read_text() == "mine"
    convert(formats["hdf5"][0], target, overwrite=True)
    assert is_raw(target)


@pytest.mark.parametrize("name", ["npy", "cfl"])
def test_a_key_of_a_format_without_names_is_refused(formats, name):
    with pytest.raises(ValueError, match="key"):
        read_raw(*formats[name], key="kspace")


def test_nothing_is_written_from_a_bad_source(formats, tmp_path):
    with pytest.raises(ValueError, match=r"a\.npy"):
        convert(formats["npy"][0], tmp_path / "out" / "o.h5")  # without axes
    with pytest.raises(ValueError, match=r"\.mrd"):
        convert(*formats["npy"], tmp_path / "out" / "o.txt")
    assert not (tmp_path / "out").exists()


def test_what_is_not_raw(tmp_path, kspace):
    image = np.abs(np.fft.fft2(kspace))
    np.save(tmp_path / "image.npy", image)
    np.save(tmp_path / "complex_image.npy", np.fft.ifft2(np.fft.ifftshift(kspace, axes=(2, 3)), axes=(2, 3)))
    (tmp_path / "a.txt").write_text("text")
    for name in ("image.npy", "complex_image.npy", "a.txt", "."):
        assert not is_raw(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="none"):
        is_raw(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="none"):
        read_raw(tmp_path / "none.h5")
    with pytest.raises(ValueError, match=r"a\.txt"):
        read_raw(tmp_path / "a.txt")


@pytest.mark.parametrize("name", ["npy", "mat", "hdf5", "cfl", "mrd", "mat73"])
@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_truncated_files_are_one_clear_line(formats, tmp_path, name, keep, kspace):
    if name == "mrd":
        path, axes = convert(*formats["hdf5"][:1], tmp_path / "c.mrd"), None
    elif name == "mat73":
        path, axes = write_fastmri(tmp_path / "c.mat", kspace.T), "slices,coils,h,w"
    else:
        path, axes = formats[name]
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ValueError, match=path.name) as info:
        read_raw(path, axes)
    assert "\n" not in str(info.value)
    assert str(info.value).count(str(path.parent)) == 1


def test_real_files(data_dir):
    poisson = read_raw(data_dir / "kspace/brain_8ch_poisson.npy", axes="coils,phase1,phase2")
    assert poisson.kspace.shape == (1, 8, 230, 180)
    assert not poisson.readout
    assert 0.11 < poisson.sampled().mean() < 0.13
    full = read_raw(data_dir / "kspace/brain_8ch_full")
    assert full.kspace.shape == (1, 8, 230, 180)
    assert not full.readout  # BART's dimensions 1 and 2: two phase encodings
    for path in sorted(data_dir.glob("ulf_0055T/*A_*E.mat")):
        scan = read_raw(path, axes="h,w,slices")
        assert scan.kspace.shape in ((4, 1, 128, 126), (4, 1, 128, 196))
        assert is_raw(path)
    with pytest.raises(ValueError, match="7A_3T"):
        read_raw(data_dir / "ulf_0055T/7A_3T_T1w.mat", axes="h,w,slices")
