"""Siemens files: real phantoms, and small files that twixtools writes."""

import shutil
import sys

import numpy as np
import pytest

from monai_gan_recon.io import is_raw, read_raw
from tests.io.conftest import inverse

twixtools = pytest.importorskip("twixtools", reason="needs the extra siemens")
PROTOCOL = """### ASCCONV BEGIN ###
sKSpace.lBaseResolution\t = \t16
sRXSPEC.alDwellTime[0]\t = \t10000
sSliceArray.asSlice[0].dReadoutFOV\t = \t160.0
sSliceArray.asSlice[0].dPhaseFOV\t = \t240.0
sSliceArray.asSlice[0].dThickness\t = \t5.0
### ASCCONV END ###
"""
DICOM = '<XProtocol> { <ParamMap.""> { <ParamDouble."flReadoutOSFactor"> { 2.0 } } }'


def block(data, *flags, centre=None, lines_centre=12, **counters):
    """A measurement data block of (coils, samples)."""
    mdb = twixtools.mdb.Mdb_local(data)
    mdb.mdh.CenterCol = data.shape[1] // 2 if centre is None else centre
    mdb.mdh.CenterLin = lines_centre
    mdb.mdh.SliceData.Quaternion[0] = 1
    for flag in flags:
        mdb.add_flag(flag)
    for name, value in counters.items():
        setattr(mdb.mdh.Counter, name, value)
    return mdb


def end():
    mdb = twixtools.mdb.Mdb_local()
    mdb.add_flag("ACQEND")
    return mdb


def make_twix(path, *scans):
    buffers = b"".join(
        name + b"\0" + len(text).to_bytes(4, "little") + text.encode()
        for name, text in ((b"MeasYaps", PROTOCOL), (b"Dicom", DICOM))
    )
    body = (2).to_bytes(4, "little") + buffers
    length = -(-(len(body) + 4) // 32) * 32
    data = length.to_bytes(4, "little") + body.ljust(length - 4, b"\0")
    twixtools.write_twix([{"hdr_str": np.frombuffer(data, "S1"), "mdb": [*mdbs, end()]} for mdbs in scans], str(path))
    return path


@pytest.fixture
def write_twix(tmp_path):
    return lambda *scans: make_twix(tmp_path / "meas.dat", *scans)


def test_lines_noise_and_geometry(write_twix, kspace):
    noise = np.random.default_rng(0).standard_normal((4, 64)).astype(np.complex64)
    scan = read_raw(
        write_twix(
            [block(noise, "NOISEADJSCAN")],
            [block(9 * kspace[0, :, :, 0], "PHASCOR", Lin=3)]
            + [block(kspace[0, :, :, w], Lin=w) for w in reversed(range(24))]
            + [block(9 * kspace[0, :, :, w], Lin=w, Rep=1) for w in range(24)],
        )
    )
    np.testing.assert_array_equal(scan.kspace, kspace[:1])
    # a noise scan's 64 samples are 120 us apart, the image's 10 us; 0.793 is Siemens' mean over the bandwidth
    np.testing.assert_allclose(scan.noise, noise * np.sqrt(120 / 10 / 0.793), rtol=1e-5)
    assert (scan.readout_oversampling, scan.readout, scan.matrix) == (2, True, (16, 24))
    np.testing.assert_allclose(np.linalg.norm(scan.affine[:3, :3], axis=0), (5, 10, 10))


def test_partial_fourier_and_partial_echo(write_twix, kspace):
    scan = read_raw(
        write_twix([block(kspace[0, :, 6:, w], centre=10, lines_centre=12 - 4, Lin=w - 4) for w in range(4, 24)])
    )
    expected = kspace[:1].copy()
    expected[:, :, :6] = expected[..., :4] = 0
    np.testing.assert_array_equal(scan.kspace, expected)


@pytest.mark.parametrize(
    ("name", "shape", "oversampling", "matrix"),
    [
        ("gre_2coil", (1, 2, 320, 160), 2.0, (160, 160)),
        ("pulseq_16coil", (1, 16, 128, 128), 1.0, None),
        ("pulseq_32coil", (1, 32, 64, 64), 1.0, (64, 64)),
    ],
)
def test_real_files(data_dir, name, shape, oversampling, matrix):
    scan = read_raw(data_dir / f"twix/{name}.dat")
    assert scan.kspace.shape == shape
    assert (scan.readout_oversampling, scan.matrix) == (oversampling, matrix)
    image = np.sqrt((np.abs(inverse(scan.kspace[0])) ** 2).sum(axis=0))
    height, width = (n // (2 if oversampling == 2 and axis == 0 else 1) for axis, n in enumerate(image.shape))
    top, left = image.shape[0] // 2 - height // 2, image.shape[1] // 2 - width // 2
    centre = image[top + height // 4 : top + 3 * height // 4, left + width // 4 : left + 3 * width // 4]
    corner = image[:4, :4]
    assert np.median(centre) > 5 * corner.mean()  # a phantom in the middle, air around it


@pytest.mark.parametrize("keep", [0.05, 0.5, 0.95])
def test_truncated_files_are_one_clear_line(data_dir, tmp_path, keep):
    data = (data_dir / "twix/pulseq_32coil.dat").read_bytes()
    (tmp_path / "short.dat").write_bytes(data[: int(keep * len(data))])
    assert is_raw(tmp_path / "short.dat")
    with pytest.raises(ValueError, match=r"short\.dat") as info:
        read_raw(tmp_path / "short.dat")
    assert "\n" not in str(info.value)


def test_without_twixtools_the_error_says_what_to_install(write_twix, kspace, monkeypatch):
    path = write_twix([block(kspace[0, :, :, w], Lin=w) for w in range(24)])
    shutil.copy(path, path.with_name("copy.dat"))
    monkeypatch.setitem(sys.modules, "twixtools", None)
    with pytest.raises(ValueError, match=r"monai-gan-recon\[siemens\]"):
        read_raw(path)


@pytest.mark.parametrize("place", [2**63, 2**64 - 1, 2**40])
def test_a_scan_far_beyond_the_file_is_refused(write_twix, kspace, place):
    path = write_twix([block(kspace[0, :, :, w], Lin=w) for w in range(24)])
    data = bytearray(path.read_bytes())
    data[16:24] = np.array([place], "<u8").tobytes()
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"meas\.dat"):
        read_raw(path)


@pytest.mark.parametrize("at", [48, 50])
def test_blocks_longer_than_the_file_are_refused_before_memory_is_asked_for(data_dir, tmp_path, at):
    data = bytearray((data_dir / "twix/pulseq_32coil.dat").read_bytes())
    start = int(np.frombuffer(data[16:24], "<u8")[0])
    start += int(np.frombuffer(data[start : start + 4], "<u4")[0])  # the first block
    data[start + at : start + at + 2] = b"\xff\xff"  # of samples, or of coils
    (tmp_path / "a.dat").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.dat"):
        read_raw(tmp_path / "a.dat")
