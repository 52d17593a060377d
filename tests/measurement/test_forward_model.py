"""The forward model and its adjoint."""

import pytest
import torch

from monai_gan_recon.kspace import ForwardModel, sampling_mask


@pytest.mark.parametrize("size", [(32, 48), (33, 47)])
def test_adjoint(size):
    model = ForwardModel(sampling_mask("gaussian1d", size, 0.3, seed=0))
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(2, *size, dtype=torch.complex128, generator=generator) for _ in range(2))
    left = torch.vdot(y.flatten(), model(x).flatten())
    right = torch.vdot(model.adjoint(y).flatten(), x.flatten())
    torch.testing.assert_close(left, right)


def test_zero_filling_is_a_projection():
    model = ForwardModel(sampling_mask("gaussian2d", (24, 24), 0.4, seed=0))
    image = torch.randn(24, 24, dtype=torch.complex128)
    once = model.adjoint(model(image))
    torch.testing.assert_close(model.adjoint(model(once)), once)
    assert once.norm() < image.norm()


def test_everything_measured_is_the_identity():
    model = ForwardModel(torch.ones(16, 18))
    image = torch.randn(16, 18, dtype=torch.complex128)
    torch.testing.assert_close(model.adjoint(model(image)), image)


def test_mask_of_another_size():
    with pytest.raises(ValueError, match="sampling mask is"):
        ForwardModel(torch.ones(16, 16))(torch.zeros(16, 20))
