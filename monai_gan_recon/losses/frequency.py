"""Loss between the 2-D Fourier transforms of two images."""

from __future__ import annotations

from torch import Tensor, nn

from monai_gan_recon.losses._inputs import check_pair
from monai_gan_recon.measurement import fft2c

FREQUENCY_MODES = ("complex", "amplitude")


class FrequencyLoss(nn.Module):
    """Mean over all bins of the squared difference between two unnormalised 2-D Fourier transforms F.

    L_freq of "GAN-ResNet50" (IJACSA 15(1), 2024), in one of two modes:

    * "complex", the paper's: |F(G(x)) − F(y)|². By Parseval's theorem this is H·W times the pixel MSE, no new
      information.
    * "amplitude", of DAGAN (Yang 2018): (|F(G(x))| − |F(y)|)², blind to phase.

    No gradient is NaN, at bins of zero amplitude neither.

    Args:
        mode: one of the two.

    Raises:
        ValueError: unknown mode.
    """

    def __init__(self, mode: str = "complex") -> None:
        super().__init__()
        if mode not in FREQUENCY_MODES:
            raise ValueError(
                f"frequency loss: unknown mode {mode!r}; choose one of {', '.join(FREQUENCY_MODES)}"
            )
        self.mode = mode

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Compare spectra.

        Args:
            pred: reconstructions (B, C, H, W) in [0, 1].
            target: references, same shape.

        Returns:
            Scalar ≥ 0.

        Raises:
            ValueError: shapes differ.
        """
        pred, target = check_pair(pred, target, "frequency loss")
        bins = pred[0, 0].numel()  # fft2c is orthonormal: the unnormalised power is this much larger
        if self.mode == "amplitude":
            return (fft2c(pred).abs() - fft2c(target).abs()).square().mean() * bins
        difference = fft2c(pred - target)
        power = difference.real.square() + difference.imag.square()
        return power.mean() * bins
