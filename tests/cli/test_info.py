"""What a folder holds, without who it is of."""

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import torch
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from monai_gan_recon import cli
from monai_gan_recon.io import RawScan, write_ismrmrd
from monai_gan_recon.measurement import fft2c


def write_series(folder, number, slices, orientation=(1, 0, 0, 0, 1, 0), missing=()):
    series = generate_uid()
    for index in sorted({*range(slices)} - {*missing}):
        data = pydicom.Dataset()
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = MRImageStorage
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
        data.SeriesInstanceUID, data.SeriesNumber, data.Modality = series, number, "MR"
        data.PatientName, data.PatientID, data.PatientBirthDate = "Secret^Name", "SECRET7", "19700101"
        data.SeriesDescription = "t1 of Secret"
        data.SequenceName, data.RepetitionTime, data.EchoTime = "*tfl3d1", 2300, 2.98
        data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, 3.0 * index], list(orientation)
        data.PixelSpacing, data.SliceThickness, data.Rows, data.Columns = [1.5, 2], 3, 24, 32
        data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
        data.PixelData = bytes(2 * 24 * 32)
        data.save_as(folder / f"{number}_{index}", enforce_file_format=True)
    return series


def test_series_are_listed_without_identity(tmp_path, command, capsys):
    uids = [write_series(tmp_path, 3, 20), write_series(tmp_path, 5, 4)]
    code, done, err = command("info", tmp_path)
    assert code == 0
    first, second = done["volumes"]
    assert first["size"] == [32, 24, 20]
    assert first["spacing_mm"] == [2.0, 1.5, 3.0]
    assert first["contrast"] == "*tfl3d1 TR 2300 ms TE 2.98 ms"
    assert [volume["series"].split()[-1] for volume in (first, second)] == uids
    assert [volume["choose"] for volume in (first, second)] == [1, 2]
    assert cli.main(["info", str(tmp_path)]) == 0
    text = str(done) + err + capsys.readouterr().out
    assert "ecret" not in text
    assert "SECRET7" not in text
    assert "1970" not in text


def test_a_missing_slice_is_told(tmp_path, command):
    write_series(tmp_path, 3, 20, missing=[7])
    (found,) = command("info", tmp_path)[1]["volumes"]
    assert found["size"] == [32, 24, 19]
    assert "1 missing" in found["possible"]
    assert "reconstruct" not in found["possible"]
    assert "choose" not in found


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_label_maps_are_told_from_images(tmp_path, command, kind, suffix):
    blocks = np.random.default_rng(0).integers(0, 4, (6, 6, 4))
    labels = np.kron(blocks, np.ones((6, 6, 6), int))
    noisy = np.round(60 * labels + np.random.default_rng(1).normal(0, 10, labels.shape)).clip(0, 255)
    for name, array in (("labels", labels), ("image", noisy)):
        image = sitk.GetImageFromArray(array.astype(kind).T)
        sitk.WriteImage(image, tmp_path / f"{name}{suffix}")
    labels, image = (command("info", tmp_path / f"{name}{suffix}")[1]["volumes"] for name in ("labels", "image"))
    assert "Dice" in labels[0]["possible"]
    assert "Dice" not in image[0]["possible"]


def test_slices_given_as_coils_are_told(head, tmp_path, command):
    slices = [np.roll(head[..., 12], (5 * n, 7 * n), (0, 1)) for n in range(5)]
    np.save(tmp_path / "k.npy", fft2c(torch.tensor(np.stack(slices), dtype=torch.complex64)).numpy())
    for axes, told in (("coils,h,w", True), ("slices,h,w", False)):
        (found,) = command("info", tmp_path / "k.npy", "--axes", axes)[1]["volumes"]
        assert ("one object" in found["possible"]) is told


def test_kspace_and_images_of_a_folder(scan, command):
    kspace = np.ones((2, 3, 32, 24), np.complex64)
    kspace[..., ::2] = 0
    write_ismrmrd(RawScan(kspace + 0j), scan.parent / "raw.h5")
    np.save(scan.parent / "unclear.npy", np.ones((3, 32, 24), np.complex64))
    (scan.parent / "notes.txt").write_text("nothing to see")
    found = {volume["path"].split("/")[-1]: volume for volume in command("info", scan.parent)[1]["volumes"]}
    assert set(found) == {"raw.h5", "scan.nii.gz", "unclear.npy"}
    assert (found["raw.h5"]["coils"], found["raw.h5"]["sampled"]) == (3, 0.5)
    assert found["raw.h5"]["size"] == [2, 32, 24]
    assert found["scan.nii.gz"]["size"] == [32, 32, 24]
    assert found["scan.nii.gz"]["spacing_mm"] == [2, 3, 4]
    assert found["scan.nii.gz"]["orientation"] == "RAS"


def test_kspace_that_is_not_shifted(tmp_path, command):
    kspace = np.zeros((32, 24), np.complex64)
    kspace[0, 0], kspace[1:3, 1:3] = 9, 1
    np.save(tmp_path / "k.npy", kspace)
    for words in ((), ("--axes", "h,w")):
        assert "fftshift" in command("info", tmp_path / "k.npy", *words)[1]["volumes"][0]["possible"]


def test_an_empty_folder_is_one_line(tmp_path, capsys):
    assert cli.main(["info", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_unreadable_files_are_told_beside_the_others(scan, command):
    (scan.parent / "cut.nii").write_bytes(b"n+1")
    found = {volume["path"].split("/")[-1]: volume for volume in command("info", scan.parent)[1]["volumes"]}
    assert "size" in found["scan.nii.gz"]
    assert not found["cut.nii"].get("size")
    with pytest.raises(SystemExit):
        cli.main(["info"])
