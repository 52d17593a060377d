"""Hermitian completion is exact for real images, and only for them."""

import pytest
import torch

from monai_gan_recon.kspace import fft2c, hermitian_completion, ifft2c, mirror, sampling_mask

SIZES = [(32, 32), (31, 32), (33, 47)]


@pytest.mark.parametrize("size", SIZES)
def test_kspace_of_a_real_image_is_its_conjugate_mirror(size):
    kspace = fft2c(torch.randn(2, *size, dtype=torch.float64))
    torch.testing.assert_close(mirror(kspace).conj(), kspace)
    assert torch.equal(mirror(mirror(kspace)), kspace)


@pytest.mark.parametrize("pattern", ["gaussian1d", "gaussian2d"])
@pytest.mark.parametrize("size", SIZES)
def test_completion_finds_the_true_samples(size, pattern):
    truth = fft2c(torch.randn(2, *size, dtype=torch.float64))
    mask = sampling_mask(pattern, size, 0.4, seed=0)
    completed, known = hermitian_completion(truth * mask, mask)
    assert known.sum() > mask.sum()
    assert torch.equal(known, mask | mirror(mask))
    torch.testing.assert_close(completed, truth * known)
    assert ifft2c(completed).imag.abs().max() < 1e-12


def test_a_complex_image_is_not_completed_rightly():
    truth = fft2c(torch.randn(32, 32, dtype=torch.complex128))
    mask = sampling_mask("gaussian1d", (32, 32), 0.4, seed=0)
    completed, known = hermitian_completion(truth * mask, mask)
    torch.testing.assert_close(completed[mask], truth[mask])
    assert (completed - truth * known).norm() > 0.1 * truth.norm()


def test_dagans_half_is_two_thirds(dagan_mask):
    _, known = hermitian_completion(torch.zeros(256, 256, dtype=torch.complex64), dagan_mask(50))
    assert known.float().mean().item() == pytest.approx(0.676, abs=0.001)
