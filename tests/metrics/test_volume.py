"""All metrics of a volume: the chunks agree with the parts, the residual with its definition."""

import torch

from monai_gan_recon import metrics
from monai_gan_recon.kspace import fft2c
from monai_gan_recon.transforms.undersample import acquire


def phantom(slices=5):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(slices, 1, 24, 32, generator=generator)


def test_chunks_give_what_single_functions_give():
    reference = phantom()
    image = reference.roll(1, dims=-1)
    brain = reference > 0.3
    scores = metrics.image_metrics(image, reference, brain, chunk=2)
    assert tuple(scores) == metrics.IMAGE_METRICS
    for name, values in scores.items():
        arguments = (image, reference, brain) if name.endswith("_brain") else (image, reference)
        torch.testing.assert_close(values, getattr(metrics, name)(*arguments))


def test_residual_on_measured_samples():
    reference = phantom().movedim(1, 0)
    mask = torch.zeros(24, 32)
    mask[:, 12:20] = 1
    scan = acquire(reference, mask)
    assert metrics.residual_metric(reference, scan.zero_filled, scan.mask, chunk=2).max() < 1e-5
    assert metrics.residual_metric(scan.zero_filled, scan.zero_filled, scan.mask).max() == 0

    wrong = torch.cat([reference * 0, reference])
    measured = fft2c(reference[0]) * mask
    expected = (fft2c(1j * reference[0]) * mask - measured).norm(dim=(-2, -1)) / measured.norm(dim=(-2, -1))
    torch.testing.assert_close(metrics.residual_metric(wrong, scan.zero_filled, scan.mask, chunk=3), expected)


def test_residual_takes_one_mask_for_all_slices():
    reference = phantom().movedim(1, 0)
    mask = torch.ones(24, 32)
    scan = acquire(reference, mask)
    values = metrics.residual_metric(1.1 * reference, scan.zero_filled, mask[None, None])
    torch.testing.assert_close(values, torch.full((5,), 0.1), atol=1e-5, rtol=0)
