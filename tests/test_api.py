"""``monai_gan_recon.reconstruct`` on files, arrays, tensors, k-space and measurements."""

import nibabel as nib
import numpy as np
import pytest
import torch

import monai_gan_recon as mgr
from monai_gan_recon.measurement import KData


@pytest.fixture(scope="module")
def slice_of_head():
    """(64, 48), float32."""
    y, x = np.mgrid[-1:1:64j, -1:1:48j]
    return (200.0 * (x**2 + y**2 < 0.8) + 100 * (x**2 + (y - 0.3) ** 2 < 0.1)).astype(np.float32)


def centred(image):
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image), norm="ortho")).astype(np.complex64)


def relative(result, image):
    return float(np.linalg.norm(np.asarray(result) - image) / np.linalg.norm(image))


def test_arrays_come_back_as_they_went(slice_of_head):
    one = mgr.reconstruct(slice_of_head, rate=0.5)
    assert isinstance(one, np.ndarray)
    assert one.shape == slice_of_head.shape
    assert relative(one, slice_of_head) < 0.05
    three = mgr.reconstruct(torch.from_numpy(np.stack([slice_of_head] * 3)), rate=0.5)
    assert type(three) is torch.Tensor
    assert three.shape == (3, 64, 48)
    assert relative(three[1], slice_of_head) < 0.05


def test_a_file_comes_with_its_affine(slice_of_head, tmp_path):
    volume, affine = np.stack([slice_of_head] * 20, axis=-1), np.diag([-2.0, 1.0, 3.0, 1.0])
    nib.save(nib.Nifti1Image(volume, affine), tmp_path / "scan.nii.gz")
    result = mgr.reconstruct(tmp_path / "scan.nii.gz", rate=0.5, plane="axial")
    assert result.shape == (1, 64, 48, 20)
    np.testing.assert_allclose(result.affine, affine)
    assert relative(result[0], volume) < 0.05
    assert [file.name for file in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_an_image_of_nibabel_is_what_its_file_is(slice_of_head, tmp_path):
    image = nib.Nifti1Image(np.stack([slice_of_head] * 17, axis=-1), np.diag([-2.0, 1.0, 3.0, 1.0]))
    nib.save(image, tmp_path / "image.nii")  # masks depend on the name
    of_image, of_file = (mgr.reconstruct(one, rate=0.5) for one in (image, tmp_path / "image.nii"))
    np.testing.assert_array_equal(of_image, of_file)
    np.testing.assert_array_equal(of_image.affine, image.affine)


def test_an_array_whose_slices_do_not_come_first_is_refused(slice_of_head):
    with pytest.raises(ValueError, match="moveaxis"):
        mgr.reconstruct(np.stack([slice_of_head] * 3, axis=-1), rate=0.5)


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_masks_are_arrays_and_tensors(slice_of_head, kind, caplog):
    mask = np.zeros(48)
    mask[::2] = mask[18:30] = 1
    zero_filled = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(centred(slice_of_head) * mask), norm="ortho"))
    result = mgr.reconstruct(zero_filled.astype(np.complex64), mask=kind(mask))
    assert relative(result, slice_of_head) < 0.8 * relative(abs(zero_filled), slice_of_head)
    with pytest.raises(ValueError, match="the mask"):
        mgr.reconstruct(zero_filled, mask=kind(mask[:0]))
    with pytest.raises(ValueError, match="fit"):
        mgr.reconstruct(zero_filled, mask=kind(mask[:30]))
    assert not [record for record in caplog.records if record.name.startswith("ignite")]


def test_fully_measured_kspace_is_its_image(slice_of_head):
    kspace = centred(slice_of_head)
    result = mgr.reconstruct(kspace[None], axes="coils,h,w", noise_std=0)
    assert result.shape == (64, 48)
    assert relative(result / result.max(), slice_of_head / slice_of_head.max()) < 1e-2


def test_a_measurement_keeps_its_samples_and_units(slice_of_head):
    mask = torch.zeros(1, 1, 48, dtype=torch.bool)
    mask[..., ::2] = mask[..., 18:30] = True
    kspace = torch.from_numpy(centred(slice_of_head))[None, None] * mask
    data = KData(kspace.expand(2, 1, 64, 48), mask)
    result = mgr.reconstruct(data)
    assert result.shape == (2, 64, 48)
    assert relative(result[0], slice_of_head) < 0.8 * relative(data.adjoint()[0].abs(), slice_of_head)
    torch.testing.assert_close(result[0], result[1])


@pytest.mark.parametrize(("options", "word"), [({"rat": 0.5}, "rat"), ({"rate": 7.0}, "7"), ({"rate": "fast"}, "rate")])
def test_wrong_options(slice_of_head, options, word):
    with pytest.raises(ValueError, match=word):
        mgr.reconstruct(slice_of_head, **options)


@pytest.mark.parametrize("options", [{"rate": 0.1}, {"mask": "mask.npy"}, {"noise_std": 9}, {"retrospective": True}])
def test_a_measurement_takes_no_option_that_it_would_ignore(slice_of_head, options):
    data = KData(torch.from_numpy(centred(slice_of_head))[None], torch.ones(1, 1, 48, dtype=torch.bool))
    with pytest.raises(ValueError, match=next(iter(options))):
        mgr.reconstruct(data, **options)


def test_nothing_is_written_and_options_of_writing_are_refused(slice_of_head):
    with pytest.raises(ValueError, match="save_error_map"):
        mgr.reconstruct(slice_of_head, rate=0.5, save_error_map=True)


def test_wrong_images(slice_of_head, tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        mgr.reconstruct(tmp_path / "nothing.nii.gz")
    with pytest.raises(ValueError, match="NaN"):
        mgr.reconstruct(np.where(slice_of_head > 250, np.nan, slice_of_head))
    for name in "ab":
        nib.save(nib.Nifti1Image(np.stack([slice_of_head] * 20), np.eye(4)), tmp_path / f"{name}.nii")
    with pytest.raises(ValueError, match="2 volumes"):
        mgr.reconstruct(tmp_path)
