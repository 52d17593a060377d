"""The error relative to what the zero-filled image leaves: every scan counts alike, the easy and the hopeless."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from monai_gan_recon.measurement import magnitude


class RelativeErrorLoss(nn.Module):
    r"""Mean of :math:`\log(\|x - y\| / \|x_0 - y\| + \epsilon)` over frame, head and the magnitude in the head.

    ``x`` is the reconstruction, ``y`` the reference, ``x_0`` the zero-filled image. A decibel gained is worth the same
    at any rate and SNR; below ``epsilon`` nothing more is to gain.

    Args:
        epsilon: relative error at which the gain fades, above 0.
        head: pixels whose surroundings are above this fraction of the reference's maximum are in the head.

    Raises:
        ValueError: if ``epsilon`` is not positive; at the call, if shapes differ.
    """

    def __init__(self, epsilon: float = 0.02, head: float = 0.08) -> None:
        super().__init__()
        if not epsilon > 0:
            raise ValueError(f"relative error: epsilon must be positive, got {epsilon}")
        self.epsilon, self.head = epsilon, head

    def forward(self, pred: Tensor, target: Tensor, zero_filled: Tensor) -> Tensor:
        """Compare real and imaginary parts (B, 2, H, W) of reconstruction, reference and zero-filled image."""
        if not pred.shape == target.shape == zero_filled.shape:
            raise ValueError(
                f"relative error: shapes differ: {tuple(pred.shape)}, {tuple(target.shape)}, {tuple(zero_filled.shape)}"
            )
        strength = magnitude(target)
        around = avg_pool2d(strength, 11, stride=1, padding=5, count_include_pad=False)
        head = (around > self.head * strength.amax(dim=(2, 3), keepdim=True)).float()
        errors = [
            self._ratio(pred - target, zero_filled - target),
            self._ratio((pred - target) * head, (zero_filled - target) * head),
            self._ratio((magnitude(pred) - strength) * head, (magnitude(zero_filled) - strength) * head),
        ]
        return torch.stack([torch.log(error + self.epsilon) for error in errors]).mean()

    @staticmethod
    def _ratio(error: Tensor, reference: Tensor) -> Tensor:
        norms = [torch.linalg.vector_norm(x.flatten(1), dim=1) for x in (error, reference)]
        return norms[0] / norms[1].clamp_min(1e-4 * error[0].numel() ** 0.5)
