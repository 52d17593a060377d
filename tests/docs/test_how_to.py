"""The commands and snippets of the how-to pages run in order, on small phantoms under the names they use."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from monai_gan_recon.io import RawScan, write_ismrmrd
from monai_gan_recon.simulation import biot_savart_maps

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
BLOCK = re.compile(r'^```(bash|python|yaml)(?: title="([\w.]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
SIZE = 64


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_runs(page, tmp_path):
    make_data(tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, module in (
        ("python", ""),
        ("monai-gan-recon", "-m monai_gan_recon"),
    ):  # of this environment and tree
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (tools / name).chmod(0o755)
    steps = []
    for number, (kind, title, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
        if title:
            (tmp_path / title).write_text(text, encoding="utf-8")
        elif kind == "python":
            (tmp_path / f"snippet_{number}.py").write_text(text, encoding="utf-8")
            steps.append(f"python snippet_{number}.py")
        else:
            steps.append(text)
    assert steps
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(steps)],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def make_data(folder):
    """A head-like phantom as NIfTI, DICOM, k-space and maps, and five subjects."""
    volume = phantom(0)
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    save(volume, affine, folder / "scan.nii.gz")
    for subject in range(5):
        save(phantom(subject), affine, folder / "volumes" / f"subject{subject}.nii.gz")
    write_dicom(volume, folder / "dicom")
    maps = biot_savart_maps((SIZE, SIZE), 4).numpy()
    plane = volume[:, :, volume.shape[2] // 2]
    rng = np.random.default_rng(0)
    kspace = transform(maps * plane)
    kspace += 0.2 * (rng.standard_normal(kspace.shape) + 1j * rng.standard_normal(kspace.shape))
    np.save(folder / "kspace.npy", kspace.astype(np.complex64))
    np.save(folder / "maps.npy", maps.astype(np.complex64))
    measured = np.zeros(SIZE, bool)
    measured[::2] = measured[20:44] = True
    write_ismrmrd(RawScan((kspace * measured)[None].astype(np.complex64)), folder / "scan.h5")
    np.save(folder / "mask.npy", measured.astype(np.uint8))
    coronal = np.swapaxes(volume, 1, 2)  # coronal slices: phase encoding along the first axis
    image = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(coronal, axes=0), axis=0), axes=0) * measured[:, None, None]
    image = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(image, axes=0), axis=0), axes=0)
    save(image.swapaxes(1, 2).astype(np.complex64), affine, folder / "zero_filled.nii.gz")
    save(np.abs(image).swapaxes(1, 2).astype(np.float32), affine, folder / "magnitude.nii.gz")
    save(np.angle(image).swapaxes(1, 2).astype(np.float32), affine, folder / "phase.nii.gz")


def phantom(seed):
    """(64, 64, 32) ellipsoids of a head and what is in it."""
    rng = np.random.default_rng(seed)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in (SIZE, SIZE, 32)), indexing="ij")
    volume = 200.0 * (x**2 + y**2 + z**2 < 0.8)
    for _ in range(6):
        a, b, c = rng.uniform(-0.4, 0.4, 3)
        volume += rng.uniform(-80, 200) * ((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2 < rng.uniform(0.02, 0.1))
    return np.clip(volume, 0, None).astype(np.float32)


def transform(image):
    shifted = np.fft.ifftshift(image, axes=(-2, -1))
    return np.fft.fftshift(np.fft.fft2(shifted, norm="ortho"), axes=(-2, -1))


def save(array, affine, path):
    path.parent.mkdir(exist_ok=True)
    nib.save(nib.Nifti1Image(array, affine), path)


def write_dicom(volume, folder):
    folder.mkdir()
    series, study = generate_uid(), generate_uid()
    for number in range(volume.shape[2]):
        data = pydicom.Dataset()
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = MRImageStorage
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
        data.SeriesInstanceUID, data.StudyInstanceUID, data.Modality = series, study, "MR"
        data.PatientName = data.PatientID = "phantom"
        data.InstanceNumber, data.ImagePositionPatient = number + 1, [0, 0, 4.0 * number]
        data.ImageOrientationPatient, data.PixelSpacing, data.SliceThickness = [1, 0, 0, 0, 1, 0], [2, 2], 4
        data.Rows, data.Columns = volume.shape[1], volume.shape[0]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 0
        data.PixelData = np.ascontiguousarray(volume[:, :, number].T).astype(np.uint16).tobytes()
        data.save_as(folder / f"{number}.dcm", enforce_file_format=True)
