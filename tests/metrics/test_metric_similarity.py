"""SSIM against scikit-image and MONAI."""

import pytest
import torch
from monai.metrics import SSIMMetric
from skimage.metrics import structural_similarity

from monai_gan_recon.metrics import ssim, ssim_brain, ssim_map


def pair():
    generator = torch.Generator().manual_seed(0)
    reference = torch.rand(2, 1, 24, 30, generator=generator)
    return reference + 0.2 * torch.randn(reference.shape, generator=generator), reference


def reference_ssim(x, y):
    return structural_similarity(
        y.double().numpy(),
        x.double().numpy(),
        data_range=1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )


def test_agrees_with_scikit_image_and_monai():
    image, reference = pair()
    values = ssim(image, reference)
    torch.testing.assert_close(values, SSIMMetric(2, reduction="none")(image, reference)[:, 0])
    for i in range(2):
        mean, full = reference_ssim(image[i, 0], reference[i, 0])
        assert values[i] == pytest.approx(mean, abs=1e-5)
        torch.testing.assert_close(
            ssim_map(image, reference)[i, 0].double(), torch.from_numpy(full[5:-5, 5:-5]), atol=1e-4, rtol=0
        )


def test_brain_ssim_averages_the_map_inside_the_mask():
    image, reference = pair()
    brain = torch.zeros_like(reference, dtype=torch.bool)
    brain[0, 0, 3:14, 8:20] = True
    values = ssim_brain(image, reference, brain)
    full = reference_ssim(image[0, 0], reference[0, 0])[1]
    assert values[0] == pytest.approx(full[5:14, 8:20].mean(), abs=1e-5)
    assert values[1].isnan()


def test_identical_images_score_one():
    _, reference = pair()
    torch.testing.assert_close(ssim(reference, reference), torch.ones(2))


def test_slices_smaller_than_the_window_are_refused():
    with pytest.raises(ValueError, match="11x11"):
        ssim(torch.zeros(1, 1, 10, 30), torch.zeros(1, 1, 10, 30))
