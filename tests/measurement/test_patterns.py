"""Sampling patterns: exact counts, centres, reproducibility, and DAGAN's zero-filled quality."""

import numpy as np
import pytest
import torch

from monai_gan_recon.kspace import PATTERNS, ForwardModel, sampling_mask
from monai_gan_recon.kspace.centre import DAGAN_CENTRES, DAGAN_LINES, centre_fraction_for, centre_slice

SIZES = [(64, 128), (65, 71), (256, 256), (16, 16)]
EXACT = ["gaussian1d", "gaussian2d", "poisson"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rate", [0.05, 0.1, 0.33, 0.5, 1.0])
@pytest.mark.parametrize("pattern", EXACT)
def test_exact_number_of_samples(pattern, rate, size):
    if pattern == "poisson" and size == (256, 256) and rate not in (0.1, 0.5):
        pytest.skip("the smaller sizes cover this rate; a 256x256 Poisson disc takes a second")
    mask = sampling_mask(pattern, size, rate, seed=1)
    if pattern == "gaussian1d":
        assert mask[0].sum() == max(round(rate * size[1]), 1)
        assert torch.equal(mask, mask[:1].expand(size))
    else:
        assert mask.sum() == max(round(rate * size[0] * size[1]), 1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_same_seed_same_mask_and_centre_is_sampled(pattern, size):
    masks = [sampling_mask(pattern, size, 0.25, seed=s) for s in (7, 7, 8)]
    assert masks[0].shape == size
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])
    assert masks[0][size[0] // 2, size[1] // 2]


@pytest.mark.parametrize("pattern", ["gaussian1d", "equispaced", "random"])
def test_lines_of_the_other_axis_are_the_transpose(pattern):
    columns = sampling_mask(pattern, (64, 128), 0.3, axis=-1, seed=3)
    rows = sampling_mask(pattern, (128, 64), 0.3, axis=-2, seed=3)
    assert torch.equal(columns, rows.T)


def test_radial_is_within_a_spoke():
    size = (128, 96)
    spoke = sum(size)  # more points than any spoke has
    for rate in (0.1, 0.3, 0.6):
        count = int(sampling_mask("radial", size, rate, seed=0).sum())
        assert rate * size[0] * size[1] - spoke < count <= round(rate * size[0] * size[1])


def test_equispaced_is_near_its_rate():
    rates = [sampling_mask("equispaced", (8, 256), 0.25, seed=s).float().mean() for s in range(20)]
    assert np.mean(rates) == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("pattern", ["equispaced", "random"])
@pytest.mark.parametrize(("n", "rate"), [(16, 1 / 16), (64, 0.01), (256, 1 / 256), (256, 0.003)])
def test_a_rate_of_one_line_is_the_centre(pattern, n, rate):
    mask = sampling_mask(pattern, (8, n), rate, seed=0)
    assert mask[0].nonzero().flatten().tolist() == [n // 2]


def test_poisson_disc_keeps_its_distance():
    mask = sampling_mask("poisson", (96, 96), 0.1, seed=0, centre_fraction=0.0).numpy()
    points = np.argwhere(mask)
    points = points[np.abs(points - 48).max(axis=1) > 2]
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    outer = np.linalg.norm(points - 48, axis=1) > 36
    # the spacing grows from the centre outwards: no two outer points touch, the density falls
    assert distances[outer].min() >= 2
    assert distances[outer].min(axis=1).mean() > 1.3 * distances[~outer].min(axis=1).mean()


@pytest.mark.parametrize(("lines", "centre"), list(zip(DAGAN_LINES, DAGAN_CENTRES, strict=True)))
def test_centre_is_dagans(lines, centre, dagan_mask):
    ours = sampling_mask("gaussian1d", (4, 256), lines / 256, seed=0)[0]
    theirs = dagan_mask(10 * (1 + DAGAN_LINES.index(lines)))[0]
    assert ours.sum() == theirs.sum() == lines
    middle = centre_slice(256, centre)
    assert ours[middle].all()
    assert theirs[slice(middle.start - 2, middle.stop + 2)].sum() >= centre


def test_centre_grows_with_the_rate():
    fractions = [centre_fraction_for(r) for r in np.linspace(0.01, 1, 50)]
    assert np.all(np.diff(fractions) > 0)
    assert all(f <= r for f, r in zip(fractions, np.linspace(0.01, 1, 50), strict=True))
    assert centre_fraction_for(0.3, 0.08) == 0.08
    with pytest.raises(ValueError, match="centre_fraction"):
        centre_fraction_for(0.3, 1.2)


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.5, True, float("nan")])
def test_rate_outside_its_range(rate):
    with pytest.raises(ValueError, match=r"rate must be in \(0, 1\]"):
        sampling_mask("gaussian1d", (32, 32), rate)


def test_unknown_pattern_and_axis():
    with pytest.raises(ValueError, match="unknown sampling pattern 'spiral'"):
        sampling_mask("spiral", (32, 32), 0.5)
    with pytest.raises(ValueError, match="axis must be -1"):
        sampling_mask("gaussian1d", (32, 32), 0.5, axis=1)


def zero_filled_psnr(slices, mask):
    model = ForwardModel(mask)
    error = model.adjoint(model(slices)).abs() - slices
    return float((-10 * torch.log10(error.square().mean(dim=(-2, -1)))).mean())


@pytest.mark.parametrize("percent", [10, 20, 30, 40, 50])
def test_zero_filled_quality_is_dagans(percent, oasis_slices, dagan_mask):
    theirs = dagan_mask(percent)
    rate = float(theirs[0].float().mean())
    ours = [
        zero_filled_psnr(oasis_slices, sampling_mask("gaussian1d", (256, 256), rate, seed=s))
        for s in range(10)
    ]
    assert np.mean(ours) == pytest.approx(zero_filled_psnr(oasis_slices, theirs), abs=0.7)
