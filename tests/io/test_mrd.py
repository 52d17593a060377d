"""ISMRMRD files written by the ismrmrd package: sorting, partial sampling, noise, geometry."""

import h5py
import ismrmrd
import nibabel as nib
import numpy as np
import pytest

from monai_gan_recon.io import RawScan, read_raw, write_ismrmrd
from tests.io.conftest import acquisition, fourier, header, objects, write_mrd

XML = header((32, 24, 1), (16, 24, 1), (400, 240, 4), (200, 240, 4), (12, 0))
ROTATION = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]


def lines(kspace, **settings):
    return [
        acquisition(kspace[s, :, :, w], slice=s, kspace_encode_step_1=w, **settings)
        for s in range(len(kspace))
        for w in range(kspace.shape[3])
    ]


@pytest.fixture
def read(tmp_path):
    return lambda xml, acquisitions: read_raw(write_mrd(tmp_path / "scan.h5", xml, acquisitions))


def test_lines_in_any_order(read, kspace):
    every = lines(kspace)
    scan = read(XML, [every[i] for i in np.random.default_rng(0).permutation(len(every))])
    np.testing.assert_array_equal(scan.kspace, kspace)
    assert (scan.readout_oversampling, scan.matrix, scan.readout) == (2, (16, 24), True)


def test_partial_fourier_and_partial_echo_keep_the_zero_frequency_in_place(read, kspace):
    # steps are counted from the first line measured, line 5, and the first 7 samples of the echo are missing
    xml = header((32, 24, 1), (16, 24, 1), (400, 240, 4), (200, 240, 4), (12 - 5, 0))
    scan = read(
        xml,
        [acquisition(kspace[0, :, 7:, w], centre=16 - 7, kspace_encode_step_1=w - 5) for w in range(5, 24)],
    )
    expected = kspace[:1].copy()
    expected[:, :, :7] = expected[..., :5] = 0
    np.testing.assert_array_equal(scan.kspace, expected)


def test_a_whole_grid_needs_no_centre(read, kspace):
    xml = header((32, 24, 1), (16, 24, 1), (400, 240, 4), (200, 240, 4), (11, 0))
    np.testing.assert_array_equal(read(xml, lines(kspace, centre=0)).kspace, kspace)


def test_discarded_samples_and_reversed_readouts(read, kspace):
    junk = np.full((4, 3), 99)
    full = [np.concatenate([junk, kspace[0, :, :, w], junk[:, :1]], axis=1) for w in range(24)]
    acquisitions = []
    for w, data in enumerate(full):
        acq = acquisition(data, centre=3 + 16, kspace_encode_step_1=w)
        acq.discard_pre, acq.discard_post = 3, 1
        if w % 2:
            acq = acquisition(kspace[0, :, ::-1, w], [ismrmrd.ACQ_IS_REVERSE], centre=15, kspace_encode_step_1=w)
        acquisitions.append(acq)
    np.testing.assert_array_equal(read(XML, acquisitions).kspace, kspace[:1])


def test_only_the_first_image_is_read_and_nothing_else(read, kspace, caplog):
    other = 7 * kspace
    scan = read(
        XML,
        [
            acquisition(other[0, :, :, 0], [ismrmrd.ACQ_IS_NAVIGATION_DATA]),
            acquisition(other[0, :, :, 0], [ismrmrd.ACQ_IS_PHASECORR_DATA]),
            *lines(other, repetition=1),
            *lines(other, contrast=1),
            *lines(kspace),
            *lines(other, average=1),
        ],
    )
    np.testing.assert_array_equal(scan.kspace, kspace)
    for counter in ("repetition", "contrast", "average"):
        assert counter in caplog.text


@pytest.mark.parametrize("mode", ["embedded", "separate"])
def test_calibration_lines_fill_the_scan_if_they_belong_to_it(read, kspace, mode):
    xml = header((32, 24, 1), (16, 24, 1), (400, 240, 4), (200, 240, 4), (12, 0), mode=mode)
    calibration = [ismrmrd.ACQ_IS_PARALLEL_CALIBRATION]
    every = [acquisition(2 * kspace[0, :, :, w], calibration, kspace_encode_step_1=w) for w in (10, 11, 12)]
    every += [acquisition(kspace[0, :, :, w], kspace_encode_step_1=w) for w in range(0, 24, 2)]
    scan = read(xml, every)
    even = np.arange(24) % 2 == 0
    np.testing.assert_array_equal(scan.kspace[..., even], kspace[:1, ..., even])
    np.testing.assert_array_equal(scan.kspace[..., 11], (mode == "embedded") * 2 * kspace[:1, ..., 11])


def test_lines_of_another_encoding_are_told(read, kspace, caplog):
    other = lines(7 * kspace)
    for acq in other:
        acq.encoding_space_ref = 1
    np.testing.assert_array_equal(read(XML, [*lines(kspace), *other]).kspace, kspace)
    assert "another encoding" in caplog.text


def test_noise_that_is_no_number_is_refused(read, kspace):
    noise = acquisition(np.full((4, 40), np.nan), [ismrmrd.ACQ_IS_NOISE_MEASUREMENT])
    with pytest.raises(ValueError, match="noise"):
        read(XML, [noise, *lines(kspace)])


def test_noise_scans_are_kept(read, kspace):
    noise = np.random.default_rng(0).standard_normal((4, 100)).astype(np.complex64)
    flags = [ismrmrd.ACQ_IS_NOISE_MEASUREMENT]
    scan = read(XML, [acquisition(noise[:, :40], flags), acquisition(noise[:, 40:], flags), *lines(kspace)])
    np.testing.assert_array_equal(scan.noise, noise)
    np.testing.assert_array_equal(scan.kspace, kspace)


def test_noise_is_brought_to_the_bandwidth_of_the_scan(read, kspace):
    rng = np.random.default_rng(0)
    white = (rng.standard_normal((4, 20000)) + 1j * rng.standard_normal((4, 20000))).astype(np.complex64)
    noise = acquisition(white / np.sqrt(6), [ismrmrd.ACQ_IS_NOISE_MEASUREMENT])  # six times the time of a sample
    noise.sample_time_us = 30
    image = lines(kspace)
    for acq in image:
        acq.sample_time_us = 5
    assert read(XML, [noise, *image]).noise.real.var() == pytest.approx(1, rel=0.05)


def test_interleaved_slices_are_sorted_in_space(read, kspace):
    spacing, at = 6.0, {0: 0, 1: 2, 2: 1}  # number of the slice → place
    every = []
    for s in range(3):
        position = np.array([10.0, -20, 30]) + spacing * at[s] * ROTATION[2]
        every += [
            acquisition(kspace[s, :, :, w], position=position, directions=ROTATION, slice=s, kspace_encode_step_1=w)
            for w in range(24)
        ]
    scan = read(XML, every)
    np.testing.assert_array_equal(scan.kspace, kspace[[0, 2, 1]])
    lps = np.diag([-1, -1, 1])
    # the middle pixel lies at the slice's position, the next ones along the directions
    np.testing.assert_allclose(
        nib.affines.apply_affine(scan.affine, [1, 16, 12]), lps @ ([10, -20, 30] + 6 * ROTATION[2]), atol=1e-4
    )
    columns = np.array([spacing * ROTATION[2], 400 / 32 * ROTATION[0], 240 / 24 * ROTATION[1]]).T
    np.testing.assert_allclose(scan.affine[:3, :3], lps @ columns, atol=1e-4)


def test_three_dimensional_scan_is_transformed_and_cropped_along_the_readout(read):
    image = objects(2, 20, 32, 24)  # coils, readout, phase1, phase2
    encoded = fourier(image, axes=(1, 2, 3))
    xml = header((20, 32, 24), (10, 32, 24), (200, 320, 120), (100, 320, 120), (16, 12), partitions=24)
    scan = read(
        xml,
        [
            acquisition(encoded[:, :, y, z], directions=ROTATION, kspace_encode_step_1=y, kspace_encode_step_2=z)
            for y in range(32)
            for z in range(24)
        ],
    )
    np.testing.assert_allclose(scan.kspace, fourier(image).transpose(1, 0, 2, 3)[5:15], atol=1e-5)
    assert (scan.readout, scan.readout_oversampling, scan.matrix) == (False, 1, (32, 24))
    np.testing.assert_allclose(scan.affine @ [5, 16, 12, 1], [0, 0, 0, 1], atol=1e-4)
    np.testing.assert_allclose(scan.affine[:3, :3], np.diag([-1, -1, 1]) @ ROTATION.T * (10, 10, 5), atol=1e-4)


@pytest.mark.parametrize("readout", [True, False])
def test_what_is_written_reads_back(tmp_path, kspace, readout):
    kspace[..., np.arange(24) % 3 == 1] = 0
    affine = nib.affines.from_matvec(ROTATION * (4, 1.5, 2), (1, 2, 3))
    noise = np.random.default_rng(0).standard_normal((4, 50)).astype(np.complex64)
    oversampling = 2.0 if readout else 1.0
    scan = RawScan(kspace, None, noise, kspace[::-1].copy(), affine, oversampling, readout, (16, 20))
    again = read_raw(write_ismrmrd(scan, tmp_path / "a.mrd"))
    np.testing.assert_allclose(again.kspace, kspace, atol=1e-6 * np.abs(kspace).max())
    np.testing.assert_array_equal(again.sampled(), scan.sampled())
    np.testing.assert_array_equal(again.noise, noise)
    np.testing.assert_array_equal(again.maps, scan.maps)
    np.testing.assert_allclose(again.affine, affine, atol=1e-3)
    assert (again.readout, again.readout_oversampling, again.matrix) == (readout, oversampling, (16, 20))


def test_only_measured_samples_are_written(tmp_path, kspace):
    mask = np.random.default_rng(0).random((3, 32, 24)) < 0.4
    again = read_raw(write_ismrmrd(RawScan(kspace, mask=mask), tmp_path / "a.mrd"))
    np.testing.assert_array_equal(again.kspace, np.where(mask[:, None], kspace, 0))


def bad_noise(kspace):
    return XML, [acquisition(np.ones((3, 9)), [ismrmrd.ACQ_IS_NOISE_MEASUREMENT]), *lines(kspace)]


BAD = {
    "noise": bad_noise,
    "radial": lambda k: (
        header((32, 24, 1), (16, 24, 1), (4, 2, 4), (2, 2, 4), trajectory="radial"),
        lines(k),
    ),
    "phase-encoding": lambda k: (XML, [acquisition(k[0, :, :, 0], kspace_encode_step_1=24), *lines(k)]),
    "samples": lambda k: (XML, [acquisition(np.ones((4, 33)), centre=16)]),
    "coils": lambda k: (XML, [acquisition(k[0, :3, :, 0]), *lines(k)]),
    "image": lambda k: (XML, [acquisition(k[0, :, :, 0], [ismrmrd.ACQ_IS_NAVIGATION_DATA])]),
    "header": lambda k: (XML[:200], lines(k)),
    "NaN": lambda k: (XML, lines(k * np.nan)),
    "coil 0": lambda k: (XML, lines(k * np.array([0, 1, 1, 1])[:, None, None])),
}


@pytest.mark.parametrize("word", BAD)
def test_bad_files_are_one_clear_line(read, kspace, word, tmp_path):
    with pytest.raises(ValueError, match=word) as info:
        read(*BAD[word](kspace))
    assert str(info.value).startswith(str(tmp_path / "scan.h5"))
    assert "\n" not in str(info.value)


def test_axes_of_a_format_that_tells_them_are_refused(tmp_path, kspace):
    path = write_ismrmrd(RawScan(kspace), tmp_path / "a.mrd")
    with pytest.raises(ValueError, match="axes"):
        read_raw(path, "slices,coils,h,w")


def test_a_scan_of_several_is_chosen_by_its_group(tmp_path, kspace):
    first, second = (write_ismrmrd(RawScan(part), tmp_path / f"{len(part)}.h5") for part in (kspace, kspace[:1]))
    np.testing.assert_allclose(read_raw(first, key="dataset").kspace, kspace, rtol=1e-6)
    with h5py.File(first, "a") as file, h5py.File(second) as other:
        file.copy(other["dataset"], "another")
    assert len(read_raw(first).kspace) == len(read_raw(first, key="dataset").kspace) == len(kspace)
    assert len(read_raw(first, key="another").kspace) == 1
    with h5py.File(first, "a") as file:
        file.move("dataset", "first")
    for key in (None, "dataset"):
        with pytest.raises(ValueError, match="first"):
            read_raw(first, key=key)


def test_a_matrix_that_its_lines_cannot_fill_is_refused(tmp_path, kspace):
    xml = header((32, 2**30, 1), (32, 2**30, 1), (320, 240, 5), (320, 240, 5), centres=(2**29, 0))
    path = write_mrd(tmp_path / "a.h5", xml, [acquisition(kspace[0, :, :, 0], kspace_encode_step_1=0)])
    with pytest.raises(ValueError, match=r"a\.h5"):
        read_raw(path)


@pytest.mark.parametrize("place", [2**40, 2**63 + 8, 2**64 - 2])
def test_readouts_beyond_the_file_are_refused(tmp_path, kspace, place):
    path, chunks = write_mrd(tmp_path / "a.h5", XML, lines(kspace)), []
    with h5py.File(path) as file:
        file["dataset/data"].id.chunk_iter(lambda chunk: chunks.append(chunk.byte_offset))
    first = np.array([chunks[0]], "<u8").tobytes()
    data = path.read_bytes()
    assert data.count(first) == 1
    path.write_bytes(data.replace(first, np.array([place], "<u8").tobytes()))
    with pytest.raises(ValueError, match=r"a\.h5"):
        read_raw(path)


@pytest.mark.parametrize("length", [0, 2**64 - 16, 2**40])
def test_heaps_whose_lengths_lie_are_refused_before_hdf5_follows_them(tmp_path, kspace, length):
    path = write_ismrmrd(RawScan(kspace), tmp_path / "a.h5")
    data = bytearray(path.read_bytes())
    at = data.index(b"GCOL") + 16  # of the first object; 0 as its number tells of free space
    data[at : at + 2], data[at + 8 : at + 16] = b"\0\0", np.array([length], "<u8").tobytes()
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.h5"):
        read_raw(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
@pytest.mark.parametrize("where", ["position", "directions"])
def test_places_that_are_no_numbers_are_not_used(tmp_path, kspace, value, where):
    place = {"position": np.zeros(3), "directions": np.eye(3)}
    place[where] = np.full_like(place[where], value)
    path = write_mrd(
        tmp_path / "a.h5",
        XML,
        [acquisition(kspace[0, :, :, w], kspace_encode_step_1=w, **place) for w in range(24)],
    )
    scan = read_raw(path)
    assert scan.affine is None
    np.testing.assert_array_equal(scan.kspace, kspace[:1])
