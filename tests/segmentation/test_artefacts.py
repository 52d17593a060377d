"""Undersampling artefacts: unsampled lines are zero, geometry stays, draws are reproducible."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.kspace import fft2c, sampling_mask
from monai_gan_recon.segmentation.artefacts import (
    RandUndersamplingArtefact,
    RandUndersamplingArtefactd,
    zero_filled_image,
)

AFFINE = torch.tensor([[0.0, 0, 2, 5], [-1, 0, 0, 9], [0, 1.5, 0, -3], [0, 0, 0, 1]])


def volume(shape=(1, 20, 24, 18), seed=0):
    return MetaTensor(torch.rand(shape, generator=torch.Generator().manual_seed(seed)), affine=AFFINE)


@pytest.mark.parametrize("axis", [-1, -2])
def test_unsampled_lines_are_zero_and_sampled_ones_unchanged(axis):
    slices = volume().as_tensor()
    mask = sampling_mask("gaussian1d", (24, 18), 0.3, axis, seed=1)
    kspace = fft2c(zero_filled_image(slices, mask))
    assert 0 < mask.float().mean() < 0.5
    assert kspace[..., ~mask].abs().max() < 1e-5
    torch.testing.assert_close(kspace[..., mask], fft2c(slices)[..., mask], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_volume_is_sampled_slice_by_slice_with_one_mask(slice_axis):
    artefact = RandUndersamplingArtefact(prob=1, slice_axes=(slice_axis,)).set_random_state(3)
    image = volume()
    result = artefact(image)
    assert result.shape == image.shape
    assert result.dtype == torch.float32
    torch.testing.assert_close(result.affine, image.affine)
    size = [n for axis, n in enumerate(image.shape[1:]) if axis != slice_axis]
    mask = sampling_mask(artefact.pattern, tuple(size), artefact.rate, artefact.phase_axis, artefact.seed)
    for i in (0, 7):
        plane, expected = (v.as_tensor().select(slice_axis + 1, i)[0].numpy() for v in (result, image))
        shifted = np.fft.ifftshift(mask.numpy())
        expected = np.abs(np.fft.ifft2(np.fft.fft2(expected) * shifted))
        np.testing.assert_allclose(plane, expected, atol=1e-5)


def test_draws_cover_axes_and_rates_and_follow_the_seed():
    artefact = RandUndersamplingArtefact(prob=0.5, rates=(0.1, 0.4), patterns=("gaussian1d", "random"))
    draws = []
    for _ in range(2):
        artefact.set_random_state(5)
        drawn = []
        for _ in range(60):
            artefact.randomize()
            drawn.append(
                (
                    artefact._do_transform,
                    artefact.slice_axis,
                    artefact.phase_axis,
                    artefact.pattern,
                    artefact.rate,
                )
            )
        draws.append(drawn)
    assert draws[0] == draws[1]
    done, slice_axes, phase_axes, patterns, rates = zip(*draws[0], strict=True)
    assert (set(slice_axes), set(phase_axes), set(patterns)) == (
        {0, 1, 2},
        {-1, -2},
        {"gaussian1d", "random"},
    )
    assert 0.1 <= min(rates) < 0.15
    assert 0.3 < max(rates) <= 0.4
    assert 15 < sum(done) < 45


def test_dictionary_treats_all_keys_alike_and_leaves_the_rest():
    transform = RandUndersamplingArtefactd(["image", "other"], prob=1.0).set_random_state(1)
    image = volume()
    data = transform({"image": image, "other": image.clone(), "label": image})
    assert torch.equal(data["image"], data["other"])
    assert not torch.equal(data["image"], image)
    assert data["label"] is image
    untouched = RandUndersamplingArtefactd(prob=0.0)({"image": image})["image"]
    assert torch.equal(untouched, image)


def test_channels_of_slices_share_one_mask():
    image = volume((3, 24, 18)).as_tensor()
    artefact = RandUndersamplingArtefact(prob=1).set_random_state(2)
    together = artefact(image)
    alone = artefact(image[1:2], randomize=False)
    torch.testing.assert_close(together[1:2], alone)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.rand(1, 8, 8, 8) - 0.5, "before the intensities are normalised"),
        (torch.full((1, 8, 8, 8), float("nan")), "NaN"),
        (torch.rand(8, 8), "not shape"),
    ],
)
def test_images_that_are_no_magnitudes_are_refused(image, message):
    with pytest.raises(ValueError, match=message):
        RandUndersamplingArtefact(prob=1)(image)


@pytest.mark.parametrize(
    "options",
    [
        {"prob": 1.5},
        {"rates": (0.0, 0.5)},
        {"rates": (0.5,)},
        {"patterns": ("spiral",)},
        {"slice_axes": (3,)},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=r"probability|sampling rate|rates|unknown sampling pattern"):
        RandUndersamplingArtefact(**options)
