"""Hermitian completion is exact for real images, and only for them."""

import pytest
import torch
from dense_problems import complex_randn, mask_of

from monai_gan_recon.measurement import KData, fft2c, hermitian_completion, mirror

SIZES = [(32, 32), (31, 32), (33, 47)]


@pytest.mark.parametrize("size", SIZES)
def test_kspace_of_a_real_image_is_its_conjugate_mirror(size):
    kspace = fft2c(torch.randn(2, *size, dtype=torch.float64))
    torch.testing.assert_close(mirror(kspace).conj(), kspace)
    assert torch.equal(mirror(mirror(kspace)), kspace)


@pytest.mark.parametrize("kind", ["columns", "rows", "points"])
@pytest.mark.parametrize("size", SIZES)
def test_completion_finds_the_true_samples(size, kind):
    truth = fft2c(torch.randn(2, 1, *size, dtype=torch.float64))
    mask = mask_of(kind, size)
    completed = hermitian_completion(KData(truth * mask, mask))
    assert completed.mask.sum() > mask.sum()
    assert torch.equal(completed.mask, mask | mirror(mask))
    torch.testing.assert_close(completed.kspace, truth * completed.mask)
    assert completed.adjoint().imag.abs().max() < 1e-12


def test_a_complex_image_is_not_completed_rightly():
    truth, mask = complex_randn(1, 1, 32, 32), mask_of("columns", (32, 32))
    completed = hermitian_completion(KData(truth * mask, mask))
    assert torch.equal(completed.kspace * mask, truth * mask)
    assert (completed.kspace - truth * completed.mask).norm() > 0.1 * truth.norm()


def test_coils_or_a_phase_are_refused():
    data = KData(complex_randn(1, 1, 16, 16), torch.ones(1, 1, 16, 16))
    with pytest.raises(ValueError, match="Hermitian"):
        hermitian_completion(data.with_phase(torch.ones(1, 16, 16, dtype=torch.complex64)))


def test_dagans_half_is_two_thirds(dagan_mask):
    data = KData(torch.zeros(1, 256, 256, dtype=torch.complex64), dagan_mask(50)[None])
    assert hermitian_completion(data).mask.float().mean().item() == pytest.approx(0.676, abs=0.001)
