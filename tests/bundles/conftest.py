"""The real bundle's configurations with a tiny network, and MONAI's real command line run on it."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import torch
import yaml
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from monai_gan_recon.networks import MagnitudeNetwork, ResNetGenerator, UnrolledGenerator

SOURCE = Path(__file__).resolve().parents[2] / "bundles" / "brain_mri_gan_reconstruction"
TINY = {"layers": [1, 1], "width": 4, "stem": "pixel_unshuffle"}
OBLIQUE = np.array([[-0.9, 0.13, 0.2, 40.0], [-0.15, -1.06, 0.35, 55.0], [0.12, -0.17, 1.95, -30.0], [0, 0, 0, 1]])


def tiny_generator(unrolled=True):
    torch.manual_seed(0)
    network = (
        UnrolledGenerator(cascades=2, noise_layers=[1, 1], **TINY)
        if unrolled
        else MagnitudeNetwork(ResNetGenerator(**TINY))
    )
    for module in network.modules():  # the last layer starts at zero: let the network do something
        if hasattr(module, "head"):
            torch.nn.init.normal_(module.head[0].weight, std=0.02)
    return network


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """Copy of the bundle; only ``network_def`` and ``models/`` differ."""
    folder = tmp_path_factory.mktemp("bundles") / "brain"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("models"))
    for name in ("inference.yaml", "evaluate.yaml"):
        config = yaml.safe_load((folder / "configs" / name).read_text())
        config["network_def"] |= TINY | {"cascades": 2, "cg_iterations": 5, "noise_layers": [1, 1]}
        (folder / "configs" / name).write_text(yaml.safe_dump(config, sort_keys=False, width=10000))
    (folder / "models").mkdir()
    torch.save(tiny_generator().state_dict(), folder / "models" / "model.pt")
    torch.save(tiny_generator(False).state_dict(), folder / "models" / "magnitude.pt")
    return folder


@pytest.fixture
def run_bundle(bundle, tmp_path, monkeypatch, monai_cli):
    """``python -m monai.bundle run ...`` in this process, from another folder: (line of the error, output)."""

    def run(config, *arguments, run_id=None):
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        monkeypatch.chdir(elsewhere)
        ids = [run_id] if run_id else []
        config_file = bundle / "configs" / config
        return monai_cli("run", *ids, "--config_file", config_file, "--logging_file", "False", *arguments)

    return run


@pytest.fixture
def run_process(bundle, tmp_path):
    """The same as a process of its own."""

    def run(config, *arguments, run_id=None):
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        ids = [run_id] if run_id else []
        command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", *ids, "--config_file"]
        command += [bundle / "configs" / config, *arguments]
        return subprocess.run([str(c) for c in command], cwd=elsewhere, capture_output=True, text=True, timeout=120)

    return run


@pytest.fixture
def write_nifti(tmp_path):
    """Write an array (random blobs of a shape if none is given) as NIfTI on an oblique grid."""

    def write(name="scan.nii.gz", array=None, shape=(20, 24, 18), affine=OBLIQUE):
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        if array is None:
            array = blobs(shape)
        nib.save(nib.Nifti1Image(array, affine), path)
        return path

    return write


def blobs(shape, seed=0):
    """Smooth volume with values from 20 to about 900."""
    low = torch.rand(1, 1, 4, 4, 4, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(low, size=shape, mode="trilinear", align_corners=True)
    return (smooth[0, 0] * 880 + 20).numpy()


@pytest.fixture
def write_manifest(write_nifti, tmp_path):
    """A manifest with a testing list of two people and a training list of one."""

    def write(**changes):
        entries = []
        for number, person in enumerate(("a", "b", "c")):
            volume = blobs((20, 12, 18), seed=number)
            file = write_nifti(f"{person}.nii.gz", np.pad(volume, [(6, 6), (1, 1), (7, 7)]))
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            entries.append({"image": file.name, "person": person, "sha256": digest})
        content = {"name": "small", "title": "Small", "licence": "CC0", "source": "a test", "root": ""}
        content |= {"training": entries[:1], "testing": entries[1:]} | changes
        path = tmp_path / "in" / "small.json"
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def write_series():
    """Write an oblique sagittal-like DICOM series of a patient with a name; values (slices, rows, columns)."""
    return _write_series


def _write_series(folder, slices=4, values=None, spacing=(1.2, 0.8, 2.5)):
    folder.mkdir(parents=True)
    row, column = np.array([0.0, 0.98, 0.199]), np.array([0.0, 0.199, -0.98])
    row, column = row / np.linalg.norm(row), column / np.linalg.norm(column)
    if values is None:
        values = np.random.default_rng(1).integers(0, 4000, (slices, 18, 22)).astype(np.uint16)
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    for index in range(len(values)):
        dataset = pydicom.Dataset()
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.SeriesInstanceUID, dataset.Modality, dataset.InstanceNumber = series, "MR", index + 1
        dataset.ImageOrientationPatient = [f"{v:.12f}" for v in (*row, *column)]
        position = np.array([-50.0, 20.0, 7.0]) + spacing[2] * index * np.cross(row, column)
        dataset.ImagePositionPatient = [f"{v:.10f}" for v in position]
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Doe^Jane", "ID-4711", "19700203"
        dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = study, frame
        dataset.PixelSpacing, dataset.SliceThickness = list(spacing[:2]), spacing[2]
        dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = *values[index].shape, 1
        dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", 0
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.PixelData = values[index].tobytes()
        dataset.save_as(folder / f"{index}.dcm", enforce_file_format=True)
