"""Mutated files of every format: each is read, or refused in one line; no hang, no memory that the file does not hold.

MONAI_GAN_RECON_FUZZ_MINUTES sets the minutes for each format (default 0.1).
"""

import gzip
import multiprocessing
import os
import resource
import signal
import time
import traceback

import nibabel as nib
import numpy as np
import pydicom
import pytest
import scipy.io
import SimpleITK as sitk

from monai_gan_recon.io import load_label_volume, load_volume, read_mask, read_raw, save_nifti
from tests.io.conftest import acquisition, fourier, header, objects, write_fastmri, write_mrd

MINUTES = float(os.environ.get("MONAI_GAN_RECON_FUZZ_MINUTES", "0.1"))
LONGEST = 20
"""Seconds for one file: far more than any needs."""
MOST_MEMORY = 300 << 20
"""Bytes on top of what reading the sound file took: libraries keep some, and the files are under 1 MB."""
TEXTS = [b"-1", b"0", b"nan", b"99999999999", b"\0", b"\\", b"../x", b"\n\n", b"1e400"]


def mutate(content, rng):
    """One to four changes of bits, numbers and lengths, most of them near the start, where headers are."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        end = len(data) if rng.random() < 0.4 else min(len(data), 700)
        if end < 16:
            break
        at = int(rng.integers(end - 8))
        kind = rng.integers(7)
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
        else:
            text = TEXTS[rng.integers(len(TEXTS))]
            data[at : at + len(text)] = text
    return bytes(data)


def _timeout(*_):
    raise TimeoutError("it hangs")


def _fuzz(read, path, target, packed, seconds, evidence):
    """In a process of its own: write mutations of ``path`` to itself and read them; say what went wrong, if it did."""
    content = path.read_bytes()
    content = gzip.decompress(content) if packed else content
    signal.signal(signal.SIGALRM, _timeout)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # ITK and HDF5 print
    read(target)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    end, seed, done = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        rng = np.random.default_rng(seed)
        data = mutate(content, rng)
        path.write_bytes(gzip.compress(data, 1) if packed else data)
        (evidence / "seed").write_text(str(seed))
        signal.alarm(LONGEST)
        try:
            read(target)
            done += 1
        except (ValueError, OSError) as error:
            said = str(error)
            if (
                "\n" in said
                or "\0" in said
                or str(path.parent) not in said
                or isinstance(error, TimeoutError)
            ):
                (evidence / "error").write_text(f"seed {seed}: {said!r}\n{traceback.format_exc()}")
                return
        except BaseException:
            (evidence / "error").write_text(f"seed {seed}\n{traceback.format_exc()}")
            return
        finally:
            signal.alarm(0)
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before
        if more > MOST_MEMORY:
            (evidence / "error").write_text(f"seed {seed}: {more >> 20} MB of memory")
            return
        seed += 1
    (evidence / "counts").write_text(f"{seed} {done}")


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
    "npy slices": (load_volume, lambda folder: _npy(folder, _image())),
    "npy mask": (read_mask, lambda folder: _npy(folder, np.arange(64) % 3 == 0)),
    "npy k-space": (read_raw, lambda folder: _npy(folder, _kspace()[0, 0])),
    "mat": (read_raw, _mat),
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
        target=_fuzz, args=(read, path, target, packed, 60 * MINUTES, evidence)
    )
    child.start()
    child.join(60 * MINUTES + 10 * LONGEST)
    alive = child.is_alive()
    child.kill()
    child.join()
    error = evidence / "error"
    assert not error.exists(), error.read_text()
    assert not alive, f"hangs at seed {(evidence / 'seed').read_text()}"
    assert child.exitcode == 0, f"exit code {child.exitcode} at seed {(evidence / 'seed').read_text()}"
    tried, good = map(int, (evidence / "counts").read_text().split())
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
def test_mutated_siemens_raw_data_are_read_or_refused_in_one_line(tmp_path, data_dir):
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / "a.dat"
    path.write_bytes((data_dir / "twix/gre_2coil.dat").read_bytes())
    fuzz(read_raw, path, path, tmp_path)
