"""Undersampling artefacts: unsampled lines are zero, geometry stays, draws are reproducible."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_gan_recon.measurement import sampling_mask
from monai_gan_recon.networks import UnrolledGenerator
from monai_gan_recon.segmentation.artefacts import (
    RandUndersamplingArtefact,
    RandUndersamplingArtefactd,
)

AFFINE = torch.tensor([[0.0, 0, 2, 5], [-1, 0, 0, 9], [0, 1.5, 0, -3], [0, 0, 0, 1]])


def volume(shape=(1, 20, 24, 18), seed=0):
    return MetaTensor(torch.rand(shape, generator=torch.Generator().manual_seed(seed)), affine=AFFINE)


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


def test_slices_are_padded_before_they_are_sampled():
    """Of a constant, a pattern whose centre is sampled keeps everything; padding makes edges, which ring beyond it."""
    artefact = RandUndersamplingArtefact(prob=1, rates=(0.3, 0.3), slice_axes=(0,), size=(48, 40)).set_random_state(0)
    image = MetaTensor(torch.ones(1, 20, 24, 18), affine=AFFINE)
    result = artefact(image)
    assert result.shape == image.shape
    padded = np.pad(np.ones((24, 18)), ((12, 12), (11, 11)))
    mask = sampling_mask(artefact.pattern, (48, 40), artefact.rate, artefact.phase_axis, artefact.seed)
    expected = np.abs(np.fft.ifft2(np.fft.fft2(padded) * np.fft.ifftshift(mask.numpy())))[12:36, 11:29]
    np.testing.assert_allclose(result[0, 3].numpy(), expected, atol=1e-5)
    without = RandUndersamplingArtefact(prob=1, rates=(0.3, 0.3), slice_axes=(0,)).set_random_state(0)
    torch.testing.assert_close(without(image), image, atol=1e-5, rtol=0)


def test_reconstructions_pass_the_network():
    """A network that changes nothing leaves the Hermitian-completed zero-filled image; empty slices stay empty."""
    network = UnrolledGenerator((1, 1), 4, stem="pixel_unshuffle", cascades=1)
    image = volume((1, 20, 24, 18))
    image[:, :, 5] = 0
    options = {"prob": 1, "rates": (0.4, 0.4), "slice_axes": (1,), "network": network}
    artefact = RandUndersamplingArtefact(**options, reconstructed=1.0).set_random_state(4)
    zero_filled = RandUndersamplingArtefact(**options, reconstructed=0.0).set_random_state(4)
    result, other = artefact(image), zero_filled(image)
    assert (artefact.rate, artefact.seed) == (zero_filled.rate, zero_filled.seed)
    assert not result[:, :, 5].any()
    assert not torch.allclose(result, other)
    error, zero_filled_error = ((v - image).as_tensor().square().mean() for v in (result, other))
    assert error < zero_filled_error  # the mirror lines are worth something
    both = [RandUndersamplingArtefact(**options, reconstructed=0.5).set_random_state(s) for s in range(20)]
    for one in both:
        one.randomize()
    assert {one.reconstructs for one in both} == {True, False}
    with torch.no_grad():
        network.log_variance.add_(1)
    assert RandUndersamplingArtefact(**options).weights != artefact.weights  # the cache notices other weights


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


def test_dictionary_version_draws_alike_and_leaves_the_rest():
    transform = RandUndersamplingArtefactd("image", prob=1.0).set_random_state(1)
    image = volume()
    data = transform({"image": image, "label": image})
    alike = RandUndersamplingArtefact(prob=1.0).set_random_state(1)(image)
    assert torch.equal(data["image"], alike)
    assert not torch.equal(data["image"], image)
    assert data["label"] is image
    untouched = RandUndersamplingArtefactd("image", prob=0.0)({"image": image})["image"]
    assert torch.equal(untouched, image)


def test_channels_share_one_mask():
    image = volume((3, 20, 24, 18)).as_tensor()
    together = RandUndersamplingArtefact(prob=1).set_random_state(2)(image)
    alone = RandUndersamplingArtefact(prob=1).set_random_state(2)(image[1:2])
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
        {"reconstructed": 0.5},
        {"reconstructed": -0.5},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=r"prob|reconstructed|sampling rate|rates|unknown sampling pattern|slice_axes"):
        RandUndersamplingArtefact(**options)
