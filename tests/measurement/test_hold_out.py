"""Lines held out for training without references."""

import pytest
import torch

from monai_gan_recon.kspace import fft2c, from_channels, hold_out, mirror, sampling_mask
from monai_gan_recon.transforms import acquire


def measured(patterns, size=(40, 64), axis=-1, hermitian=False):
    torch.manual_seed(0)
    scans = [
        acquire(torch.rand(1, *size), sampling_mask(p, size, 0.5, axis=axis, seed=i), hermitian=hermitian)
        for i, p in enumerate(patterns)
    ]
    return torch.stack([scan.input for scan in scans])


@pytest.mark.parametrize("size", [(40, 64), (33, 47)])
@pytest.mark.parametrize("axis", [-1, -2])
def test_whole_lines_go_and_the_others_stay(size, axis):
    x = measured(["gaussian1d"] * 4, size, axis)
    kept = hold_out(x, 0.4)
    before, after = x[:, 2], kept[:, 2]
    assert ((after == 0) | (after == before)).all()
    assert (after.sum((1, 2)) < before.sum((1, 2))).all()
    along = -2 if axis == -1 else -1
    assert (after == after.narrow(along, 0, 1)).all()
    spectra = [fft2c(from_channels(t[:, :2])) for t in (x, kept)]
    torch.testing.assert_close(spectra[1], spectra[0] * (after != 0), rtol=0, atol=1e-5)


def test_point_patterns_lose_points():
    x = measured(["gaussian2d"])
    after = hold_out(x, 0.4)[:, 2]
    assert (after != after[:, :1]).any()
    assert (after != after[..., :1]).any()


def test_the_fraction_is_met():
    torch.manual_seed(0)
    x = torch.cat((torch.randn(64, 2, 16, 128), torch.ones(64, 1, 16, 128)), dim=1)
    for fraction in (0.0, 0.2, 0.6):
        kept = hold_out(x, fraction, centre=0.0)[:, 2].mean()
        assert kept == pytest.approx(1 - fraction, abs=0.03)


def test_the_centre_stays():
    x = measured(["gaussian1d"] * 8)
    kept = hold_out(x, 0.95, centre=0.05)[:, 2]
    assert (kept[..., 64 // 2 - 3 : 64 // 2 + 4] == x[:, 2, :, 64 // 2 - 3 : 64 // 2 + 4]).all()


def test_a_line_goes_with_its_mirror():
    """Else the Hermitian completion would tell the network what is held out."""
    kept = hold_out(measured(["gaussian1d", "gaussian2d"], hermitian=True), 0.5)[:, 2]
    assert (kept == mirror(kept)).all()


@pytest.mark.parametrize("fraction", [-0.1, 1.0])
def test_impossible_fractions(fraction):
    with pytest.raises(ValueError, match=r"held_out must be in \[0, 1\)"):
        hold_out(measured(["gaussian1d"]), fraction)
