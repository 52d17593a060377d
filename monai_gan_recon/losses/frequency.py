"""Loss between the 2-D Fourier transforms of two images."""

from __future__ import annotations

from torch import Tensor, nn

from monai_gan_recon.losses._inputs import check_pair
from monai_gan_recon.measurement import fft2c

FREQUENCY_MODES = ("complex", "amplitude", "unmeasured")


class FrequencyLoss(nn.Module):
    """Mean over all bins of the squared difference between two unnormalised 2-D Fourier transforms F.

    L_freq of "GAN-ResNet50" (IJACSA 15(1), 2024), in one of three modes:

    * "complex", the paper's: |F(G(x)) − F(y)|². By Parseval's theorem this is H·W times the pixel MSE, no new
      information.
    * "amplitude", of DAGAN (Yang 2018): (|F(G(x))| − |F(y)|)², blind to phase.
    * "unmeasured": as "complex", but a weighted mean: a bin of sampling weight m counts m + w (1 − m).
      Unmeasured lines count w times as much as measured ones; with w = 1 it is "complex".

    No gradient is NaN, at bins of zero amplitude neither.

    Args:
        mode: one of the three.
        unmeasured_weight: w of "unmeasured", > 0; the other modes do not use it.

    Raises:
        ValueError: unknown mode, or a weight that is not positive.
    """

    def __init__(self, mode: str = "complex", unmeasured_weight: float = 10.0) -> None:
        super().__init__()
        if mode not in FREQUENCY_MODES:
            raise ValueError(
                f"frequency loss: unknown mode {mode!r}; choose one of {', '.join(FREQUENCY_MODES)}"
            )
        if not unmeasured_weight > 0:
            raise ValueError(f"frequency loss: unmeasured_weight must be positive, got {unmeasured_weight}")
        self.mode = mode
        self.unmeasured_weight = unmeasured_weight

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Compare spectra.

        Args:
            pred: reconstructions (B, C, H, W) in [0, 1].
            target: references, same shape.
            mask: sampling weights (B, 1, H, W) from 0, not measured, to 1, measured, zero frequency at
                ``n // 2``; only "unmeasured" uses it. Axes of size 1 are broadcast.

        Returns:
            Scalar ≥ 0.

        Raises:
            ValueError: shapes differ, or "unmeasured" without a mask that fits.
        """
        pred, target = check_pair(pred, target, "frequency loss")
        bins = pred[0, 0].numel()  # fft2c is orthonormal: the unnormalised power is this much larger
        if self.mode == "amplitude":
            return (fft2c(pred).abs() - fft2c(target).abs()).square().mean() * bins
        difference = fft2c(pred - target)
        power = difference.real.square() + difference.imag.square()
        if self.mode == "complex":
            return power.mean() * bins
        weight = self._weights(mask, power)
        return ((weight * power).sum(dim=(-2, -1)) / weight.sum(dim=(-2, -1))).mean() * bins

    def _weights(self, mask: Tensor | None, power: Tensor) -> Tensor:
        if mask is None:
            raise ValueError('frequency loss: mode "unmeasured" needs the sampling mask (B, 1, H, W)')
        sizes = zip(mask.shape, power.shape, strict=False)
        if mask.ndim != power.ndim or not all(given in (1, wanted) for given, wanted in sizes):
            raise ValueError(
                f"frequency loss: mask {tuple(mask.shape)} does not fit images {tuple(power.shape)}"
            )
        mask = mask.to(power)
        return (mask + self.unmeasured_weight * (1 - mask)).expand_as(power)
