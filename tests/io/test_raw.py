"""What a scan must be, and how k-space is told from images."""

import nibabel as nib
import numpy as np
import pytest

from monai_gan_recon.io import RawScan, looks_like_kspace
from monai_gan_recon.io.raw import to_image
from tests.io.conftest import fourier, inverse, objects


def test_samples_that_are_zero_in_every_coil_were_not_measured(kspace):
    kspace[0, :, :, 5] = 0
    kspace[1, 0, :, 5] = 0
    sampled = RawScan(kspace).sampled()
    assert not sampled[0, :, 5].any()
    assert sampled[1:].all()
    assert sampled[0].sum() == 32 * 23
    mask = np.zeros((32, 24), bool)
    mask[:, ::2] = True
    np.testing.assert_array_equal(RawScan(kspace, mask=mask).sampled(), np.stack([mask] * 3))


BAD = {
    "complex64": lambda k: {"kspace": k.astype(np.complex128)},
    "shape": lambda k: {"kspace": k[0]},
    "NaN": lambda k: {"kspace": np.where(np.arange(24) == 3, np.nan, k).astype(np.complex64)},
    "coil 2 ": lambda k: {"kspace": k * np.array([1, 1, 0, 1], np.complex64)[:, None, None]},
    "noise": lambda k: {"kspace": k, "noise": np.ones((3, 100), np.complex64)},
    "maps": lambda k: {"kspace": k, "maps": k[:, :3]},
    "mask": lambda k: {"kspace": k, "mask": np.ones((24, 32), bool)},
    "empty": lambda k: {"kspace": k, "mask": np.zeros((32, 24), bool)},
    "fftshift": lambda k: {"kspace": np.fft.ifftshift(k, axes=(2, 3))},
}


@pytest.mark.parametrize("word", BAD)
def test_parts_that_contradict_each_other_are_refused(kspace, word):
    with pytest.raises(ValueError, match=word) as info:
        RawScan(**BAD[word](kspace))
    assert "\n" not in str(info.value)


@pytest.mark.parametrize("shape", [(64, 48), (65, 47), (4, 64, 48), (64, 48, 20), (2, 8, 64, 48)])
def test_kspace_is_told_from_images(shape):
    image = objects(*shape)
    kspace = fourier(image)
    assert looks_like_kspace(kspace)
    assert not looks_like_kspace(image)
    assert not looks_like_kspace(image.real)
    assert looks_like_kspace(np.moveaxis(kspace, -1, 0))
    noisy = kspace + 0.1 * np.abs(image).std() * np.random.default_rng(0).standard_normal(shape)
    assert looks_like_kspace(noisy)
    points = np.random.default_rng(0).random(shape[-2:]) < 0.15
    points[shape[-2] // 2 - 3 : shape[-2] // 2 + 4, shape[-1] // 2 - 3 : shape[-1] // 2 + 4] = True
    assert looks_like_kspace(kspace * points)
    assert not looks_like_kspace(inverse(kspace * points))


def test_a_bright_small_object_off_the_centre_is_an_image():
    image = np.zeros((64, 64), complex)
    image[10:20, 40:50] = 1 + 1j
    assert not looks_like_kspace(image)
    assert not looks_like_kspace(np.ones((8, 8), complex))


def test_affine_after_a_crop_keeps_every_pixel_in_its_place(kspace):
    affine = nib.affines.from_matvec(np.diag([3.0, 1.5, -2.0]) @ np.roll(np.eye(3), 1, axis=0), (5, 6, 7))
    scan = RawScan(kspace, affine=affine)
    crop = scan.cropped_affine(15, 12)
    start = (32 // 2 - 15 // 2, 24 // 2 - 12 // 2)
    index = np.array([2, 4, 7])
    np.testing.assert_allclose(
        nib.affines.apply_affine(crop, index), nib.affines.apply_affine(affine, index + np.array([0, *start]))
    )
    assert RawScan(kspace).cropped_affine(15, 12) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_samples_that_are_no_numbers_are_told_without_a_warning(value):
    line = np.full((1, 1, 8, 8), value, np.complex64)
    with pytest.raises(ValueError, match="infinite"):
        RawScan(to_image(line))
