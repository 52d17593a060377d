"""Pixel-wise errors against hand calculations and scikit-image."""

import pytest
import torch
from skimage.metrics import mean_squared_error, normalized_root_mse, peak_signal_noise_ratio

from monai_gan_recon.metrics import mse, nmse, psnr, psnr_brain, rmse


def pair(seed=0, slices=3):
    generator = torch.Generator().manual_seed(seed)
    reference = torch.rand(slices, 1, 20, 24, generator=generator)
    return reference + 0.1 * torch.randn(reference.shape, generator=generator), reference


def test_constant_error_by_hand():
    reference = torch.full((2, 1, 16, 16), 0.5)
    image = reference + torch.tensor([0.1, 0.01])[:, None, None, None]
    torch.testing.assert_close(mse(image, reference), torch.tensor([1e-2, 1e-4]), rtol=1e-4, atol=0)
    torch.testing.assert_close(rmse(image, reference), torch.tensor([0.1, 0.01]), rtol=1e-4, atol=0)
    torch.testing.assert_close(psnr(image, reference), torch.tensor([20.0, 40.0]), rtol=1e-4, atol=0)
    torch.testing.assert_close(nmse(image, reference), torch.tensor([0.04, 0.0004]), rtol=1e-4, atol=0)


def test_agrees_with_scikit_image():
    image, reference = pair()
    for i in range(len(reference)):
        x, y = image[i, 0].double().numpy(), reference[i, 0].double().numpy()
        assert mse(image, reference)[i] == pytest.approx(mean_squared_error(y, x), rel=1e-5)
        assert psnr(image, reference)[i] == pytest.approx(peak_signal_noise_ratio(y, x, data_range=1), rel=1e-5)
        assert nmse(image, reference)[i] == pytest.approx(normalized_root_mse(y, x) ** 2, rel=1e-5)


def test_psnr_of_identical_images_is_capped():
    _, reference = pair()
    brain = torch.ones_like(reference, dtype=torch.bool)
    assert psnr(reference, reference).tolist() == [100.0] * 3
    assert psnr_brain(reference, reference, brain).tolist() == [100.0] * 3


def test_brain_psnr_counts_only_the_brain():
    reference = torch.zeros(2, 1, 16, 16)
    image = reference.clone()
    image[..., 4:8, 4:8] = 0.1
    image[..., 0, 0] = 1.0  # outside the brain
    brain = torch.zeros_like(reference, dtype=torch.bool)
    brain[0, :, 4:8, 4:8] = True
    values = psnr_brain(image, reference, brain)
    assert values[0] == pytest.approx(20, abs=1e-4)
    assert values[1].isnan()


def test_nmse_of_an_empty_reference_is_undefined():
    assert nmse(torch.ones(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)).isnan().all()


def test_half_precision_is_scored_in_float32():
    image = torch.full((1, 1, 16, 16), 0.5, dtype=torch.bfloat16)
    assert mse(image, torch.full((1, 1, 16, 16), 0.501)).item() == pytest.approx(1e-6, rel=1e-3)


@pytest.mark.parametrize("shape", [(3, 20, 24), (3, 2, 20, 24), (2, 1, 20, 24)])
def test_wrong_shapes_are_refused(shape):
    _, reference = pair()
    with pytest.raises(ValueError, match="slices"):
        psnr(torch.zeros(shape), reference)


def test_wrong_brain_mask_is_refused():
    image, reference = pair()
    with pytest.raises(ValueError, match="brain mask"):
        psnr_brain(image, reference, torch.ones(1, 1, 20, 24))
    assert psnr_brain(image, reference, torch.ones_like(reference)).isfinite().all()
