"""Undersampled input: masks from files in any orientation, phase, one positive factor."""

import logging

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose
from monai_gan_recon.kspace import fft2c, from_channels, ifft2c, mirror
from monai_gan_recon.transforms.acquired import (
    Acquired,
    Acquiredd,
    ScaleMagnitude,
    ScaleMagnituded,
    WithPhase,
)

from monai_gan_recon.io import load_volume
from monai_gan_recon.io.masks import fit_mask, read_mask
from monai_gan_recon.transforms import SlicesOfPlane

PLANES = ("coronal", "axial", "sagittal")


@pytest.fixture
def complex_volume(tmp_path):
    """Random complex volume of a shape, read from a file with an affine of the given axis codes."""

    def make(shape=(20, 23, 18), codes="RAS"):
        generator = torch.Generator().manual_seed(0)
        values = torch.randn(shape, dtype=torch.complex64, generator=generator)
        affine = np.zeros((4, 4))
        for column, code in enumerate(codes):
            row, sign = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}[
                code
            ]
            affine[row, column] = sign
        affine[3, 3] = 1
        nib.save(nib.Nifti1Image(values.numpy(), affine), tmp_path / "v.nii.gz")
        return load_volume(tmp_path / "v.nii.gz")

    return make


def write(tmp_path, mask):
    np.save(tmp_path / "mask.npy", np.asarray(mask))
    return tmp_path / "mask.npy"


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("codes", ["RAS", "LPI", "SAL", "PIR"])
def test_volume_mask_follows_the_k_space_of_its_file(tmp_path, complex_volume, plane, codes):
    """Undersampling in the file's orientation and in that of the slices is the same, odd and even sizes."""
    volume = complex_volume(codes=codes)
    through = {"coronal": "AP", "axial": "SI", "sagittal": "RL"}[plane]
    slice_axis = next(i for i, code in enumerate(codes) if code in through)
    in_plane = [i for i in range(3) if i != slice_axis]
    mask = np.random.default_rng(1).random(volume.shape[1:]) < 0.4
    # the file's own 2-D transforms, over the two axes of its slices, zero frequency at n // 2
    slices_first = volume.as_tensor()[0].permute(slice_axis, *in_plane)
    kept = fft2c(slices_first) * torch.from_numpy(mask.transpose(slice_axis, *in_plane).copy())
    zero_filled = ifft2c(kept).permute(*np.argsort([slice_axis, *in_plane]))
    image = SlicesOfPlane(plane)(MetaTensor(zero_filled[None], meta=volume.meta))
    scan = Acquired(write(tmp_path, mask))(image)
    torch.testing.assert_close(
        from_channels(scan.zero_filled.as_tensor().movedim(0, -3)), image.as_tensor()[0]
    )
    assert float(scan.mask.sum()) == mask.sum()


@pytest.mark.parametrize("axis", [-1, -2])
def test_lines_and_slices_are_the_same_mask(tmp_path, complex_volume, axis):
    image = SlicesOfPlane("coronal")(complex_volume())  # slices of 18 x 20
    lines = np.arange({-1: 20, -2: 18}[axis]) % 3 == 0
    full = np.broadcast_to(lines[None, :] if axis == -1 else lines[:, None], (18, 20))
    from_lines = Acquired(write(tmp_path, lines), axis=axis)(image)
    from_slices = Acquired(write(tmp_path, full.astype(np.uint8) * 255))(image)
    assert torch.equal(from_lines.input, from_slices.input)
    assert from_lines.input.shape == (3, 23, 18, 20)
    assert torch.equal(from_lines.mask[0, 5], torch.from_numpy(full.astype(np.float32)))


def test_input_is_hard_data_without_symmetry(tmp_path, complex_volume):
    image = SlicesOfPlane("axial")(complex_volume())
    mask = np.random.default_rng(0).random(image.shape[-2:]) < 0.5
    scan = Acquired(write(tmp_path, mask))(image)
    weight = scan.input[2].as_tensor()
    assert torch.equal(weight.bool(), torch.from_numpy(mask).expand(weight.shape))
    assert set(weight.unique().tolist()) == {0.0, 1.0}
    expected = ifft2c(fft2c(image.as_tensor()[0]) * torch.from_numpy(mask))
    torch.testing.assert_close(from_channels(scan.input[:2].as_tensor().movedim(0, -3)), expected)


@pytest.mark.parametrize(("noise_level", "weight"), [(0.0, 1.0), (0.8, 0.5), (2.4, 0.1)])
def test_noise_in_the_units_of_the_file_makes_the_data_soft(tmp_path, complex_volume, noise_level, weight):
    volume = complex_volume()
    volume = volume * (40 / float(volume.abs().max()))  # 0.8 is 0.02 of the largest magnitude
    path = write(tmp_path, np.random.default_rng(0).random((23, 20)) < 0.5)
    scan = Acquired(path, noise_level=noise_level)(SlicesOfPlane("axial")(ScaleMagnitude()(volume)))
    expected = scan.mask[0].as_tensor() * weight
    torch.testing.assert_close(scan.input[2].as_tensor(), expected, rtol=1e-4, atol=0)
    unscaled = Acquired(path, noise_level=noise_level / 40)(SlicesOfPlane("axial")(volume / 40))
    torch.testing.assert_close(unscaled.input[2].as_tensor(), expected, rtol=1e-4, atol=0)


def test_replica_uses_symmetry(tmp_path, complex_volume):
    image = SlicesOfPlane("axial")(complex_volume())
    real = MetaTensor(image.as_tensor().real.contiguous(), meta=image.meta)
    mask = torch.from_numpy(np.random.default_rng(0).random(image.shape[-2:]) < 0.3)
    zero_filled = MetaTensor(ifft2c(fft2c(real.as_tensor()) * mask), meta=image.meta)
    path = write(tmp_path, mask)
    scan = Acquired(path, track="replica")(zero_filled)
    assert torch.equal(scan.input[2, 0].as_tensor().bool(), mask | mirror(mask))
    known = fft2c(real.as_tensor()[0]) * (mask | mirror(mask))
    torch.testing.assert_close(
        from_channels(scan.input[:2].as_tensor().movedim(0, -3)), ifft2c(known), rtol=1e-4, atol=1e-4
    )
    assert torch.equal(
        Acquired(path, track="replica", hermitian=False)(zero_filled).input[2, 0].as_tensor().bool(), mask
    )


def test_magnitude_alone_needs_a_replica(tmp_path, complex_volume):
    image = SlicesOfPlane("axial")(complex_volume())
    magnitude = MetaTensor(image.as_tensor().abs(), meta=image.meta)
    path = write(tmp_path, np.ones(image.shape[-1]))
    with pytest.raises(ValueError, match="--phase"):
        Acquired(path)(magnitude)
    assert Acquired(path, track="replica", channels=1)(magnitude).input.shape == (1, *image.shape[1:])


def test_magnitudes_are_a_full_image(tmp_path, complex_volume, caplog):
    """They are sampled by the mask; a zero-filled image's magnitude would not be what was measured."""
    image = SlicesOfPlane("axial")(complex_volume())
    full = MetaTensor(image.as_tensor().abs(), meta=image.meta)
    mask = torch.from_numpy(np.random.default_rng(0).random(image.shape[-2:]) < 0.5)
    path = write(tmp_path, mask)
    scan = Acquired(path, track="replica", hermitian=False)(full)
    expected = fft2c(full.as_tensor()[0]) * mask
    measured = fft2c(from_channels(scan.zero_filled.as_tensor().movedim(0, -3)))
    torch.testing.assert_close(measured, expected, rtol=1e-4, atol=1e-4)
    assert "taken for the full image" in caplog.text
    caplog.clear()
    complex_image = MetaTensor(ifft2c(expected)[None], meta=image.meta)
    again = Acquired(path, track="replica", hermitian=False)(complex_image)
    torch.testing.assert_close(again.input.as_tensor(), scan.input.as_tensor(), rtol=1e-4, atol=1e-4)
    assert "taken for the full image" not in caplog.text


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [({"track": "simulated"}, "raw, replica"), ({"axis": 1}, "axis"), ({"noise_level": -1.0}, "noise_level")],
)
def test_wrong_options(tmp_path, kwargs, match):
    with pytest.raises(ValueError, match=match):
        Acquired(write(tmp_path, np.ones(16)), **kwargs)


def test_mask_of_another_scan_is_noticed(tmp_path, complex_volume, caplog):
    image = SlicesOfPlane("axial")(complex_volume())
    mask = np.zeros(image.shape[-2:], dtype=bool)
    mask[:, 8:12] = True
    right = MetaTensor(ifft2c(fft2c(image.as_tensor()) * torch.from_numpy(mask)), meta=image.meta)
    with caplog.at_level(logging.WARNING):
        Acquired(write(tmp_path, mask))(right)
        assert not caplog.records
        Acquired(write(tmp_path, np.roll(mask, 10, axis=1)))(right)  # zero frequency at index 0
    assert "outside the sampling mask" in caplog.text


def test_mask_shapes_that_fit(complex_volume):
    image = SlicesOfPlane("axial")(complex_volume((20, 23, 1)))  # one slice
    assert fit_mask(np.ones((23, 20), bool), image).shape == (23, 20)
    assert fit_mask(np.ones((20, 23, 1), bool), image).shape == (1, 23, 20)
    assert fit_mask(np.ones((1, 23, 20), bool), image).shape == (23, 20)
    with pytest.raises(ValueError, match="23 x 20"):
        fit_mask(np.ones((23, 21), bool), image)


@pytest.mark.parametrize("slices", [1, 2])
def test_a_square_mask_on_the_grid_of_the_image_has_its_axes(tmp_path, complex_volume, slices):
    """A NIfTI mask of one slice means the axes of its file, as one of several does."""
    volume = complex_volume((20, 20, slices))
    mask = np.random.default_rng(0).random((20, 20, slices)) < 0.4
    nib.save(nib.Nifti1Image(mask.astype(np.uint8), volume.affine.numpy()), tmp_path / "mask.nii.gz")
    kspace = fft2c(volume.as_tensor()[0].movedim(-1, 0)) * torch.from_numpy(mask).movedim(-1, 0)
    image = SlicesOfPlane("axial")(MetaTensor(ifft2c(kspace).movedim(0, -1)[None], meta=volume.meta))
    scan = Acquired(tmp_path / "mask.nii.gz")(image)
    torch.testing.assert_close(
        from_channels(scan.zero_filled.as_tensor().movedim(0, -3)), image.as_tensor()[0]
    )


def test_masks_of_other_formats(tmp_path):
    mask = np.random.default_rng(0).random((18, 20)) < 0.5
    nib.save(nib.Nifti1Image(mask.astype(np.uint8), np.eye(4)), tmp_path / "m.nii.gz")
    assert np.array_equal(read_mask(tmp_path / "m.nii.gz"), mask)
    assert read_mask(write(tmp_path, mask.astype(float)[..., None])).shape == (18, 20, 1)
    assert read_mask(write(tmp_path, mask[..., None, None])).shape == (18, 20, 1)
    assert read_mask(write(tmp_path, mask[:, :1])).shape == (18,)
    with pytest.raises(FileNotFoundError, match="--mask"):
        read_mask(tmp_path / "none.npy")
    for wrong, match in ((np.zeros(5), "empty"), (mask + 1j, "real"), (np.ones((2,) * 4), "three axes")):
        with pytest.raises(ValueError, match=match):
            read_mask(write(tmp_path, wrong))


def test_one_factor_goes_and_comes_back(complex_volume):
    volume = complex_volume() * 7
    scaler = ScaleMagnitude()
    scaled = scaler(volume)
    assert float(scaled.abs().max()) == pytest.approx(1)
    ratio = (scaled.as_tensor() / volume.as_tensor()).flatten()
    assert torch.allclose(ratio, ratio[0])
    assert ratio[0].real > 0
    torch.testing.assert_close(scaler.inverse(scaled).as_tensor(), volume.as_tensor())
    there = Compose([ScaleMagnituded("image")])
    torch.testing.assert_close(
        there.inverse(there({"image": volume}))["image"].as_tensor(), volume.as_tensor()
    )
    with pytest.raises(ValueError, match="no image"):
        scaler(MetaTensor(torch.zeros(1, 4, 4, 4)))


def test_phase_makes_the_complex_image(tmp_path, complex_volume):
    volume = complex_volume()
    values = volume.as_tensor()[0]
    nib.save(nib.Nifti1Image(values.angle().numpy(), volume.affine.numpy()), tmp_path / "p.nii.gz")
    magnitude = MetaTensor(volume.as_tensor().abs(), meta=volume.meta)
    combined = WithPhase(tmp_path / "p.nii.gz")(magnitude)
    torch.testing.assert_close(combined.as_tensor(), volume.as_tensor())
    assert torch.equal(combined.affine, volume.affine)
    with pytest.raises(ValueError, match="complex already"):
        WithPhase(tmp_path / "p.nii.gz")(volume)


def test_dictionary_form_adds_what_the_network_needs(tmp_path, complex_volume):
    image = SlicesOfPlane("axial")(complex_volume())
    result = Acquiredd("image", mask=write(tmp_path, np.ones(20)))({"image": image, "case": "a"})
    assert set(result) == {"image", "case", "input", "zero_filled", "mask"}
    assert torch.equal(result["input"].affine, image.affine)
