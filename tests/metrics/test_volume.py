"""All metrics of a volume agree with the single ones."""

import torch

from monai_gan_recon import metrics


def phantom(slices=5):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(slices, 1, 24, 32, generator=generator)


def test_all_metrics_are_what_single_functions_give():
    reference = phantom()
    image = reference.roll(1, dims=-1)
    brain = reference > 0.3
    scores = metrics.image_metrics(image, reference, brain)
    assert tuple(scores) == metrics.IMAGE_METRICS
    for name, values in scores.items():
        arguments = (image, reference, brain) if name.endswith("_brain") else (image, reference)
        torch.testing.assert_close(values, getattr(metrics, name)(*arguments))
