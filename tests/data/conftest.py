"""Images and manifests that the tests of the data package write."""

import hashlib
import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

OBLIQUE = np.array(  # voxel → RAS with anisotropic spacing, rotated about two axes, stored LPS-like
    [[-0.9, 0.13, 0.2, 40.0], [-0.15, -1.06, 0.35, 55.0], [0.12, -0.17, 1.95, -30.0], [0, 0, 0, 1]]
)


@pytest.fixture(scope="session")
def oblique_affine():
    return OBLIQUE.copy()


@pytest.fixture
def data_folder():
    folder = os.environ.get("MONAI_GAN_RECON_DATA")
    if not folder:
        pytest.skip("MONAI_GAN_RECON_DATA is not set: no real data")
    return Path(folder)


@pytest.fixture
def write_nifti(tmp_path):
    def write(name, array, affine=None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
        return path

    return write


@pytest.fixture
def volume():
    """(20, 24, 18), float32, all values different."""
    return np.random.default_rng(0).permutation(20 * 24 * 18).reshape(20, 24, 18).astype(np.float32)


@pytest.fixture
def write_series(tmp_path):
    """Writer of an oblique DICOM series: 18 rows, 20 columns, slices 2.5 mm apart, file names shuffled."""

    def write(
        folder="series", slices=6, skip=(), series=None, pixels=True, reverse_numbers=False, **elements
    ):
        directory = tmp_path / folder
        directory.mkdir(exist_ok=True)
        series = series or generate_uid()
        row = np.array([0.9, 0.3, -np.sqrt(1 - 0.9)])
        column = np.cross([0.2, -0.7, 0.5], row)
        column /= np.linalg.norm(column)
        normal = np.cross(row, column)
        values = np.random.default_rng(1).integers(0, 4000, (slices, 18, 20)).astype(np.uint16)
        for index in range(slices):
            if index in skip:
                continue
            dataset = pydicom.Dataset()
            dataset.file_meta = pydicom.dataset.FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            dataset.SeriesInstanceUID = series
            dataset.PatientName, dataset.PatientID, dataset.Modality = "Doe^Jane", "ID-4711", "MR"
            dataset.InstanceNumber = slices - index if reverse_numbers else index + 1
            dataset.ImageOrientationPatient = [f"{v:.12f}" for v in (*row, *column)]
            position = np.array([-50.0, 20.0, 7.0]) + 2.5 * index * normal
            dataset.ImagePositionPatient = [f"{v:.10f}" for v in position]
            dataset.PixelSpacing, dataset.SliceThickness = [1.2, 0.8], 2.5
            dataset.Rows, dataset.Columns = 18, 20
            dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
            dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = (
                16,
                12,
                11,
                0,
            )
            if pixels:
                dataset.PixelData = values[index].tobytes()
            for name, value in elements.items():
                setattr(dataset, name, value)
            name = f"{(index * 7 + 3) % 17:02d}_{series[-6:]}.dcm"
            dataset.save_as(directory / name, enforce_file_format=True)
        return directory, values

    return write


@pytest.fixture
def write_manifest(tmp_path, write_nifti, volume):
    """Writer of a small manifest with real files: training a, validation b, testing c (twice)."""

    def write(folder="set", **changes):
        content = {
            "name": "small",
            "title": "Small",
            "licence": "CC0",
            "source": "written by a test",
            "root": folder,
        }
        people = {"training": ["a"], "validation": ["b"], "testing": ["c", "c"]}
        for section, names in people.items():
            content[section] = []
            for number, person in enumerate(names):
                name = f"{person}{number}.nii.gz"
                file = write_nifti(f"{folder}/{name}", volume + len(content) * 10 + number)
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                content[section].append(
                    {"image": name, "person": person, "session": str(number), "sha256": digest}
                )
        content.update(changes)
        path = tmp_path / "small.json"
        path.write_text(json.dumps(content))
        return path, content

    return write
