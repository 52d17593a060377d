"""Mutated files of every format: each is read, or refused in one line; no hang, no memory that the file does not hold.

MONAI_GAN_RECON_FUZZ_SECONDS sets the seconds for each format (default 20).
"""

import gzip
import multiprocessing
import os
import re
import resource
import signal
import time
import traceback
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pydicom
import pytest
import scipy.io
import SimpleITK as sitk

from monai_gan_recon.io import load_label_volume, load_volume, read_mask, read_raw, save_nifti
from tests.io.conftest import acquisition, fourier, header, objects, write_enhanced, write_fastmri, write_mrd

SECONDS = float(os.environ.get("MONAI_GAN_RECON_FUZZ_SECONDS", "20"))
LONGEST = 10
"""Seconds for one file: far more than any needs."""
SIZES = 4
MORE_MEMORY = 64 << 20
"""Memory for one file: so many times its size unpacked, and these bytes, which libraries keep."""
MISTAKES = (NameError, AttributeError, AssertionError, TypeError)
ROOT = Path(__file__).resolve().parents[2]
TEXTS = [b"-1", b"0", b"nan", b"99999999999", b"\0", b"\\", b"../x", b"\n\n", b"1e400"]


class Hang(BaseException):
    """A file takes too long; no reader catches this."""


def mutate(content, rng):
    """One to four changes of bits, numbers, lengths and headers, most of them near the start, where headers are."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        end = len(data) if rng.random() < 0.4 else min(len(data), 1500)
        if end < 16:
            break
        at = int(rng.integers(end - 8))
        kind = rng.integers(9)
        if kind == 0:
            data[at] ^= 1 << rng.integers(8)
        elif kind == 1:
            data[at : at + 4] = rng.choice([0, 1, 2**31 - 1, 2**32 - 1, 2**16]).astype("<u4").tobytes()
        elif kind == 2:
            data[at : at + 2] = rng.integers(2**16, dtype=np.uint16).tobytes()
        elif kind == 3:
            data[at : at + 8] = np.array([rng.choice([np.nan, np.inf, -1e300, 1e-320])]).tobytes()
        elif kind == 4:
            del data[int(rng.integers(len(data))) :]
        elif kind == 5:
            piece = bytes(data[at : at + int(rng.integers(1, 64))])
            data[at:at] = piece * int(rng.integers(1, 3))
        elif kind == 6:
            del data[at : at + int(rng.integers(1, 64))]
        elif kind == 7:
            numbers = list(re.finditer(rb"-?[0-9.]+", bytes(data[:end])))
            if numbers:
                found = numbers[rng.integers(len(numbers))]
                data[found.start() : found.end()] = TEXTS[rng.integers(len(TEXTS))]
        else:
            text = TEXTS[rng.integers(len(TEXTS))]
            data[at : at + len(text)] = text
    return bytes(data)


def mistake(error):
    """An error that is our own, or lack of memory, among an error and all that it comes from; None if there is none."""
    if error is None:
        return None
    frames = traceback.extract_tb(error.__traceback__)
    own = frames and Path(frames[-1].filename).is_relative_to(ROOT) and "site-packages" not in frames[-1].filename
    if isinstance(error, MemoryError) or (own and isinstance(error, MISTAKES)):
        return error
    return mistake(error.__cause__) or mistake(error.__context__)


def wrong(read, target, folder):
    """Read a file; what is wrong with how it fails, or None. True: it was read."""
    signal.alarm(LONGEST)
    try:
        read(target)
        return True
    except (ValueError, OSError) as error:
        said = str(error)
        if mistake(error) is not None:
            return f"hides a mistake: {said!r}\n{traceback.format_exc()}"
        if "\n" in said or "\0" in said or str(folder) not in said:
            return f"is not one line with the file's name: {said!r}\n{traceback.format_exc()}"
    except BaseException:
        return traceback.format_exc()
    finally:
        signal.alarm(0)
    return None


def _hang(*_):
    raise Hang


def _status(name):
    return int(re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) << 10


def _fuzz(read, path, target, packed, seconds, evidence):
    """In a process of its own: write mutations of ``path`` to itself and read them; say what went wrong, if it did."""
    content = path.read_bytes()
    content = gzip.decompress(content) if packed else content
    signal.signal(signal.SIGALRM, _hang)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # ITK and HDF5 print
    read(target)
    inside = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    more = SIZES * len(inside) + MORE_MEMORY
    resource.setrlimit(resource.RLIMIT_DATA, (_status("VmData") + more,) * 2)
    before = _status("VmHWM")
    end, seed, done = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        rng = np.random.default_rng(seed)
        data = mutate(content, rng)
        path.write_bytes(gzip.compress(data, 1) if packed else data)
        (evidence / "seed").write_text(str(seed))
        found = wrong(read, target, path.parent)
        peak = _status("VmHWM") - before
        if found is None and peak > more:
            found = f"{peak} bytes of memory"
        if isinstance(found, str):
            (evidence / "error").write_text(f"seed {seed}: {found}")
            return
        done += found is True
        seed += 1
    (evidence / "counts").write_text(f"{seed} {done} {peak >> 20} {len(inside) >> 10}")


def _image():
    return (np.abs(objects(18, 20, 24)) * 900).astype(np.int16)


def _kspace():
    return fourier(objects(2, 2, 24, 20)).astype(np.complex64)


def _nifti(folder, name, kind=nib.Nifti1Image):
    image = kind(_image(), np.diag([1.0, 2, 3, 1]))
    image.header.set_slope_inter(0.5, 3)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"some text"))
    nib.save(image, folder / name)
    return folder / name


def _itk(folder, name, compressed):
    sitk.WriteImage(sitk.GetImageFromArray(_image()), str(folder / name), useCompression=compressed)
    return folder / name


def _npy(folder, array):
    np.save(folder / "a.npy", array)
    return folder / "a.npy"


def _mat(folder):
    scipy.io.savemat(folder / "a.mat", {"kspace": _kspace()[0, 0]}, do_compression=True)
    return folder / "a.mat"


def _mat73(folder):
    with h5py.File(folder / "a.mat", "w", userblock_size=512) as file:
        kspace = _kspace()[0, 0].astype(np.complex128).view([("real", "f8"), ("imag", "f8")])
        file.create_dataset("kspace", data=kspace, chunks=True, compression="gzip")
    with (folder / "a.mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")
    return folder / "a.mat"


def _ismrmrd(folder):
    kspace = _kspace()[0]
    xml = header((24, 20, 1), (12, 20, 1), (48, 40, 5), (24, 40, 5), centres=(10, 0))
    return write_mrd(
        folder / "a.h5",
        xml,
        [acquisition(kspace[:, :, w], directions=np.eye(3), kspace_encode_step_1=w) for w in range(20)],
    )


def _cfl(folder, changed):
    (folder / "a.hdr").write_text("# Dimensions\n24 20 1 2\n")
    _kspace()[0].transpose(1, 2, 0).ravel(order="F").tofile(folder / "a.cfl")
    return folder / changed


FORMATS = {
    "nii": (load_volume, lambda folder: _nifti(folder, "a.nii")),
    "nii.gz": (load_volume, lambda folder: _nifti(folder, "a.nii.gz")),
    "nii.gz inside": (load_volume, lambda folder: _nifti(folder, "a.nii.gz")),
    "nifti-2": (load_volume, lambda folder: _nifti(folder, "a.nii", nib.Nifti2Image)),
    "labels": (load_label_volume, lambda folder: save_nifti(_image() // 90, np.eye(4), folder / "a.nii")),
    "nrrd": (load_volume, lambda folder: _itk(folder, "a.nrrd", False)),
    "nrrd compressed": (load_volume, lambda folder: _itk(folder, "a.nrrd", True)),
    "mha": (load_volume, lambda folder: _itk(folder, "a.mha", False)),
    "mha compressed": (load_volume, lambda folder: _itk(folder, "a.mha", True)),
    "nhdr": (load_volume, lambda folder: _itk(folder, "a.nhdr", False)),
    "mhd": (load_volume, lambda folder: _itk(folder, "a.mhd", False)),
    "npy slices": (load_volume, lambda folder: _npy(folder, _image())),
    "npy mask": (read_mask, lambda folder: _npy(folder, np.arange(64) % 3 == 0)),
    "npy k-space": (read_raw, lambda folder: _npy(folder, _kspace()[0, 0])),
    "mat": (read_raw, _mat),
    "mat 7.3": (read_raw, _mat73),
    "fastmri": (read_raw, lambda folder: write_fastmri(folder / "a.h5", _kspace())),
    "ismrmrd": (read_raw, _ismrmrd),
    "cfl": (read_raw, lambda folder: _cfl(folder, "a.cfl")),
    "hdr": (read_raw, lambda folder: _cfl(folder, "a.hdr")),
}


def fuzz(read, path, target, tmp_path, packed=False):
    """Fork a process that reads mutations; it may end by itself only."""
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    child = multiprocessing.get_context("fork").Process(
        target=_fuzz, args=(read, path, target, packed, SECONDS, evidence)
    )
    child.start()
    child.join(SECONDS + 10 * LONGEST)
    alive = child.is_alive()
    child.kill()
    child.join()
    error = evidence / "error"
    assert not error.exists(), error.read_text()
    assert not alive, f"hangs at seed {(evidence / 'seed').read_text()}"
    assert child.exitcode == 0, f"exit code {child.exitcode} at seed {(evidence / 'seed').read_text()}"
    tried, good, peak, size = map(int, (evidence / "counts").read_text().split())
    print(f"{tried} mutations, {good} of them read; at most {peak} MiB for a file of {size} KiB")
    assert tried > good  # a fuzzer that changes nothing finds nothing


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_a_mutated_file_is_read_or_refused_in_one_line(tmp_path, name):
    read, make = FORMATS[name]
    folder = tmp_path / "in"
    folder.mkdir()
    path = make(folder)
    fuzz(read, path, path, tmp_path, packed=name == "nii.gz inside")


@pytest.mark.slow
@pytest.mark.parametrize("whole", [True, False])
def test_mutated_dicom_is_read_or_refused_in_one_line(tmp_path, write_series, whole):
    folder, _ = write_series(slices=4)
    path = sorted(folder.iterdir())[1]
    pydicom.dcmread(path).save_as(path)
    fuzz(load_volume, path, folder if whole else path, tmp_path)


@pytest.mark.slow
def test_mutated_enhanced_dicom_is_read_or_refused_in_one_line(tmp_path, write_series):
    folder, _ = write_series(slices=4)
    path = tmp_path / "in" / "a.dcm"
    path.parent.mkdir()
    write_enhanced(folder, path)
    fuzz(load_volume, path, path, tmp_path)


@pytest.mark.parametrize(
    "error", [NameError, AttributeError, UnboundLocalError, AssertionError, TypeError, MemoryError]
)
def test_mistakes_that_a_reader_hides_are_found(tmp_path, error):
    def read(path):
        try:
            raise error
        except error as mistaken:
            raise ValueError(f"{path}: is damaged") from mistaken

    assert "hides a mistake" in wrong(read, tmp_path / "a", tmp_path)


def test_damage_that_a_library_tells_of_is_no_mistake(tmp_path):
    def read(path):
        try:
            re.compile(3)  # a TypeError of the library's own
        except TypeError as error:
            raise ValueError(f"{path}: is damaged") from error

    assert wrong(read, tmp_path / "a", tmp_path) is None
    assert wrong(lambda path: path, tmp_path / "a", tmp_path) is True


@pytest.mark.slow
def test_mutated_siemens_raw_data_are_read_or_refused_in_one_line(tmp_path):
    from tests.io.test_twix import block, make_twix

    folder = tmp_path / "in"
    folder.mkdir()
    noise, kspace = np.ones((2, 8), np.complex64), _kspace()[0]
    lines = [block(kspace[:, :, w], Lin=w, lines_centre=10) for w in range(20)]
    path = make_twix(folder / "a.dat", [block(noise, "NOISEADJSCAN")], lines)
    fuzz(read_raw, path, path, tmp_path)
