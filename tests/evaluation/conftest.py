"""Synthetic people as a MONAI evaluator delivers them."""

import pytest
import torch

from monai_gan_recon.engines.evaluator import measurement_residuals
from monai_gan_recon.measurement import magnitude
from monai_gan_recon.simulation import Undersample


def make_volume(person, seed=0, slices=6, size=(48, 40), error=0.02, rate=0.4, track="replica"):
    """A noisy box, undersampled; the reconstruction is the truth with a little of the zero-filled error."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.zeros(1, slices, *size)
    label[..., 10:38, 8:32] = 0.3 + 0.7 * torch.rand(1, slices, 28, 24, generator=generator)
    label[:, 0] = 0  # an empty slice
    label[:, 1] = 0
    label[:, 1, 20:24, 20:24] = 0.5  # 0.8 % of the frame
    block = Undersample(rate=rate, track=track)(label, person)
    estimate = block["target"] + error * (block["zero_filled"] - block["target"])
    numbers = measurement_residuals(estimate, block)
    fractions = {name: float(numbers.pop(name).mean()) for name in ("sampled_fraction", "known_fraction")}
    return {
        "label": label,
        "pred": magnitude(estimate).movedim(1, 0),
        "zero_filled": magnitude(block["zero_filled"]).movedim(1, 0),
        **numbers,
        **fractions,
        "seconds": 1.2,
        "case": f"{person}_T1w",
        "person": person,
    }


@pytest.fixture
def volume():
    return make_volume
