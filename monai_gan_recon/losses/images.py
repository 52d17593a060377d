"""Losses of images against their references: NRMSE, DSSIM, frequency, and error relative to the zero-filled one."""

from __future__ import annotations

import torch
from monai.losses.ssim_loss import SSIMLoss
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from monai_gan_recon.measurement import fft2c, magnitude

WINDOW = 11
"""Side of the SSIM's window in pixels."""
FREQUENCY_MODES = ("complex", "amplitude")
_FLOOR = 0.01
"""Smallest root mean square of a target that the NRMSE is divided by, in units of the intensity range."""
_NO_MORE = 0.02
"""Error relative to the zero-filled image's at which its gain fades."""
_HEAD = 0.08
"""Pixels whose surroundings are above this fraction of the reference's maximum are in the head."""


def check_pair(pred: Tensor, target: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Reconstruction and reference (B, C, ...) at least in float32; ``name`` is that of the loss, for the message.

    Raises:
        ValueError: shapes differ (PyTorch would broadcast them silently), or there is no axis beside the batch.
    """
    if pred.shape != target.shape or pred.ndim < 2:
        raise ValueError(
            f"{name}: prediction and target must have one shape (B, C, ...), "
            f"got {tuple(pred.shape)} and {tuple(target.shape)}"
        )
    return at_least_float32(pred), at_least_float32(target)


def at_least_float32(x: Tensor) -> Tensor:
    """Return ``x`` in float32 if it is float16 or bfloat16, else unchanged."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


class NRMSELoss(nn.Module):
    """‖y − G(x)‖₂ / ‖y‖₂ per sample, averaged over the batch.

    Eq. 7 of "GAN-ResNet50" (IJACSA 15(1), 2024), which calls it NMSE. It is a root; the metric ``nmse`` is
    its square. The gradient is zero where the images are identical, never NaN. Targets with a root mean square under
    0.01, such as empty slices, count as having that.
    """

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare reconstructions (B, C, ...) with references of the same shape, in [0, 1]; a scalar ≥ 0."""
        pred, target = check_pair(pred, target, "NRMSE loss")
        error = torch.linalg.vector_norm((pred - target).flatten(1), dim=1)
        scale = torch.linalg.vector_norm(target.flatten(1), dim=1)
        return (error / scale.clamp_min(_FLOOR * target[0].numel() ** 0.5)).mean()


class DSSIMLoss(nn.Module):
    """(1 − SSIM) / 2, between 0 (identical) and 1, averaged over the batch.

    SSIM is MONAI's with its defaults, the same as in our metrics: Gaussian window of 11 pixels, σ 1.5, data
    range 1. It is computed in float32, outside any autocast.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ssim_loss = SSIMLoss(spatial_dims=2, data_range=1.0, win_size=WINDOW)

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare reconstructions (B, C, H, W) with references of one shape, in [0, 1]; a scalar.

        Raises:
            ValueError: shapes differ, are not (B, C, H, W), or the image is smaller than the window.
        """
        pred, target = check_pair(pred, target, "DSSIM loss")
        if pred.ndim != 4 or min(pred.shape[2:]) < WINDOW:
            raise ValueError(
                f"DSSIM loss: expected images (B, C, H, W) of at least {WINDOW}x{WINDOW}, got {tuple(pred.shape)}"
            )
        with torch.autocast(pred.device.type, enabled=False):
            return self.ssim_loss(pred, target) / 2


class FrequencyLoss(nn.Module):
    """Mean over all bins of the squared difference between two unnormalised 2-D Fourier transforms F.

    L_freq of "GAN-ResNet50" (IJACSA 15(1), 2024), in one of two modes:

    * "complex", the paper's: |F(G(x)) − F(y)|². By Parseval's theorem this is H·W times the pixel MSE, no new
      information.
    * "amplitude", of DAGAN (Yang 2018): (|F(G(x))| − |F(y)|)², blind to phase.

    No gradient is NaN, at bins of zero amplitude neither.

    Raises:
        ValueError: unknown mode.
    """

    def __init__(self, mode: str = "complex") -> None:
        super().__init__()
        if mode not in FREQUENCY_MODES:
            raise ValueError(f"frequency loss: unknown mode {mode!r}; choose one of {', '.join(FREQUENCY_MODES)}")
        self.mode = mode

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare reconstructions (B, C, H, W) with references of the same shape, in [0, 1]; a scalar ≥ 0."""
        pred, target = check_pair(pred, target, "frequency loss")
        bins = pred[0, 0].numel()  # fft2c is orthonormal: the unnormalised power is this much larger
        if self.mode == "amplitude":
            return (fft2c(pred).abs() - fft2c(target).abs()).square().mean() * bins
        difference = fft2c(pred - target)
        return (difference.real.square() + difference.imag.square()).mean() * bins


class RelativeErrorLoss(nn.Module):
    r"""Mean of :math:`\log(\|x - y\| / \|x_0 - y\| + 0.02)` over frame, head and the magnitude in the head.

    ``x`` is the reconstruction, ``y`` the reference, ``x_0`` the zero-filled image. A decibel gained is worth the same
    at any rate and SNR; below a relative error of 0.02 nothing more is to gain.
    """

    def forward(self, pred: Tensor, target: Tensor, zero_filled: Tensor) -> Tensor:
        """Compare real and imaginary parts (B, 2, H, W) of reconstruction, reference and zero-filled image.

        Raises:
            ValueError: shapes differ.
        """
        if not pred.shape == target.shape == zero_filled.shape:
            raise ValueError(
                f"relative error: shapes differ: {tuple(pred.shape)}, {tuple(target.shape)}, {tuple(zero_filled.shape)}"
            )
        strength = magnitude(target)
        around = avg_pool2d(strength, 11, stride=1, padding=5, count_include_pad=False)
        head = (around > _HEAD * strength.amax(dim=(2, 3), keepdim=True)).float()
        errors = [
            _ratio(pred - target, zero_filled - target),
            _ratio((pred - target) * head, (zero_filled - target) * head),
            _ratio((magnitude(pred) - strength) * head, (magnitude(zero_filled) - strength) * head),
        ]
        return torch.stack([torch.log(error + _NO_MORE) for error in errors]).mean()


def _ratio(error: Tensor, reference: Tensor) -> Tensor:
    norms = [torch.linalg.vector_norm(x.flatten(1), dim=1) for x in (error, reference)]
    return norms[0] / norms[1].clamp_min(1e-4 * error[0].numel() ** 0.5)
