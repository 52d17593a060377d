"""The brain mask on phantoms."""

import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_gan_recon.metrics import brain_coverage, brain_mask


def disc(size, centre, radius):
    y, x = np.mgrid[:size, :size]
    return torch.from_numpy((y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2)


def test_holes_are_filled_and_specks_dropped():
    whole = disc(64, (32, 32), 20)
    volume = torch.zeros(2, 1, 64, 64)
    volume[0, 0][whole] = 0.8
    volume[0, 0][disc(64, (32, 28), 5)] = 0.01  # a ventricle
    volume[0, 0][3:6, 3:6] = 0.3  # noise
    mask = brain_mask(volume)
    assert mask.dtype == torch.bool
    assert torch.equal(mask[0, 0], whole)
    assert not mask[1].any()
    torch.testing.assert_close(brain_coverage(mask), torch.tensor([whole.sum() / 4096, 0.0]))


def test_two_hemispheres_are_both_brain():
    left, right = disc(64, (32, 16), 9), disc(64, (32, 46), 10)
    volume = (left | right).float()[None, None]
    assert torch.equal(brain_mask(volume)[0, 0], left | right)


def test_threshold_is_relative_to_the_volume():
    volume = torch.zeros(2, 1, 32, 32)
    volume[0, 0, 8:24, 8:24] = 100.0
    volume[1, 0, 8:24, 8:24] = 4.0  # below 5 % of the volume's maximum
    volume[1, 0, 10:20, 10:20] = 6.0
    assert brain_mask(volume).sum(dim=(1, 2, 3)).tolist() == [256, 100]
    assert torch.equal(brain_mask(volume), brain_mask(volume / 1000))


def test_shape_is_checked():
    with pytest.raises(ValueError, match=r"\(N, 1, H, W\)"):
        brain_mask(torch.zeros(32, 32))


@pytest.mark.skipif("MONAI_GAN_RECON_DATA" not in os.environ, reason="MONAI_GAN_RECON_DATA is not set")
@pytest.mark.parametrize("pattern", ["oasis_malc/*_T1w.nii.gz", "ds000011/*/anat/*_T1w.nii.gz"])
def test_real_volumes_skull_stripped_or_not(pattern):
    path = sorted(Path(os.environ["MONAI_GAN_RECON_DATA"]).glob(pattern))[0]
    volume = nib.as_closest_canonical(nib.load(path)).get_fdata(dtype=np.float32)
    middle = np.ascontiguousarray(volume.transpose(1, 0, 2)[volume.shape[1] // 2])
    coverage = brain_coverage(brain_mask(torch.from_numpy(middle)[None, None])).item()
    assert 0.3 < coverage < 0.8
