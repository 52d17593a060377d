"""Series, segmentations and reports that are derived of an enhanced multi-frame image."""

import shutil
import subprocess

import numpy as np
import pydicom
import pytest

from monai_gan_recon.io import load_volume
from monai_gan_recon.io.dicom import (
    derive_report,
    derive_segmentation,
    derive_series,
    find_series,
    read_headers,
)
from tests.io.conftest import write_enhanced


@pytest.fixture
def enhanced(write_series, tmp_path):
    """The file, volume (X, Y, Z), affine and headers of an enhanced image whose frames are in no order."""
    folder, _ = write_series(SeriesNumber=3, PatientBirthDate="19700203", StudyDate="20200304")
    file = write_enhanced(folder, tmp_path / "enhanced.dcm")
    image = load_volume(file)
    return file, image.numpy()[0], image.affine.numpy(), read_headers(find_series(file)[0])


def positions(file):
    groups = pydicom.dcmread(file).PerFrameFunctionalGroupsSequence
    return np.array([group.PlanePositionSequence[0].ImagePositionPatient for group in groups], float)


@pytest.mark.parametrize("some", [slice(0, 6), slice(2, 6)])
def test_segmentation_refers_to_the_frames_it_comes_from(enhanced, some, tmp_path):
    pytest.importorskip("highdicom", reason="needs pip install 'monai-gan-recon[dicom]'")
    from highdicom.seg import Segmentation

    file, volume, affine, headers = enhanced
    normal = affine[:3, 2] * (-1, -1, 1)
    order = np.argsort(positions(file) @ normal)  # the frame of each slice
    labels = np.digitize(volume, np.quantile(volume, [0.25, 0.5, 0.75])).astype(np.uint8)[:, :, some]
    matrix = affine.copy()
    matrix[:3, 3] += affine[:3, 2] * some.start
    source = [headers[frame] for frame in sorted(order[some])]
    segmentation = derive_segmentation(labels, matrix, source)
    back = Segmentation.from_dataset(segmentation).get_volume(combine_segments=True)
    index = np.linalg.inv(np.diag([-1, -1, 1, 1]) @ matrix) @ back.affine
    voxels = np.indices(back.array.shape).reshape(3, -1)
    x, y, z, _ = np.rint(index @ [*voxels, np.ones(back.array.size)]).astype(int)
    np.testing.assert_array_equal(back.array.ravel(), labels[x, y, z])
    seen = set()
    for group in segmentation.PerFrameFunctionalGroupsSequence:
        place = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        (item,) = group.DerivationImageSequence[0].SourceImageSequence
        assert item.ReferencedSOPInstanceUID == pydicom.dcmread(file).SOPInstanceUID
        np.testing.assert_allclose(positions(file)[item.ReferencedFrameNumber - 1], place, atol=1e-3)
        seen.add(int(item.ReferencedFrameNumber))
    assert seen == {int(frame) + 1 for frame in order[some]}
    report = derive_report(segmentation, {1: 1.0, 2: 2.0, 3: 3.0}, source)
    segmentation.save_as(tmp_path / "seg.dcm")
    report.save_as(tmp_path / "sr.dcm")
    if shutil.which("dciodvfy"):
        for name in ("seg", "sr"):
            done = subprocess.run(["dciodvfy", tmp_path / f"{name}.dcm"], capture_output=True, text=True, timeout=60)
            assert [line for line in done.stderr.splitlines() if line.startswith("Error")] == []


def test_derived_slices_refer_to_their_frames(enhanced):
    file, volume, affine, headers = enhanced
    slices = derive_series(volume, affine, headers)
    assert len(slices) == 6
    for item in slices:
        source = item.SourceImageSequence[0]
        place = positions(file)[source.ReferencedFrameNumber - 1]
        np.testing.assert_allclose(place, item.ImagePositionPatient, atol=1e-3)
        assert "ReferencedFrameNumber" not in item


def test_several_enhanced_images_of_one_slice_each_are_refused(enhanced):
    pytest.importorskip("highdicom", reason="needs pip install 'monai-gan-recon[dicom]'")
    _, volume, affine, headers = enhanced
    for number, header in enumerate(headers):
        del header["SOPInstanceUID"]  # frames share their elements
        header.SOPInstanceUID = f"1.2.3.{number}"
    with pytest.raises(ValueError, match="enhanced"):
        derive_segmentation(np.ones(volume.shape, np.uint8), affine, headers)
