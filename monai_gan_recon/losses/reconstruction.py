"""The image terms of the generator's loss, weighted and summed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from monai_gan_recon.checks import check_arguments, check_numbers
from monai_gan_recon.losses.images import DSSIMLoss, FrequencyLoss, NRMSELoss, RelativeErrorLoss, check_pair
from monai_gan_recon.measurement import magnitude


class ReconstructionLoss(nn.Module):
    """a · NRMSE + b · L_freq + l1 · L1 + mse · MSE + dssim · DSSIM + relative · log error.

    The supervised part of L_G in "GAN-ResNet50" (IJACSA 15(1), 2024), which does not give a and b: 15 and 0.1
    are DAGAN's. All but the relative error compare magnitudes. A term of weight zero is not computed.

    Args:
        a: weight of the NRMSE (eq. 7).
        b: weight of the frequency loss; it refers to the unnormalised FFT, mean over bins.
        l1: weight of the mean absolute error.
        mse: weight of the mean squared error.
        dssim: weight of (1 − SSIM) / 2; its images must be at least 11×11.
        relative: weight of the error relative to the zero-filled image's, see ``RelativeErrorLoss``.
        frequency_mode: "complex" or "amplitude", see ``FrequencyLoss``.

    Raises:
        ValueError: a negative weight, or none above zero.
    """

    def __init__(
        self,
        a: float = 15.0,
        b: float = 0.1,
        l1: float = 0.0,
        mse: float = 0.0,
        dssim: float = 0.0,
        relative: float = 0.0,
        frequency_mode: str = "complex",
    ) -> None:
        super().__init__()
        weights = {"nrmse": a, "frequency": b, "l1": l1, "mse": mse, "dssim": dssim, "relative": relative}
        check_numbers(**{f"loss weights ({name})": weight for name, weight in weights.items()})
        if not any(weights.values()):
            raise ValueError(f"loss weights: one of them must be above 0, got {weights}")
        self.weights = {name: weight for name, weight in weights.items() if weight > 0}
        self.frequency = FrequencyLoss(frequency_mode)
        self.relative = RelativeErrorLoss()
        self.losses = nn.ModuleDict(
            {"nrmse": NRMSELoss(), "l1": nn.L1Loss(), "mse": nn.MSELoss(), "dssim": DSSIMLoss()}
        )

    @classmethod
    def of(cls, loss_weights: Mapping[str, Any]) -> ReconstructionLoss:
        """The loss of a dictionary of its arguments.

        Raises:
            ValueError: for a name that is none of them, too.
        """
        check_arguments("loss_weights", loss_weights, cls)
        return cls(**loss_weights)

    def forward(self, pred: Tensor, target: Tensor, measurement: Tensor) -> Tensor:
        """Weighted sum; see :meth:`with_terms`."""
        return self.with_terms(pred, target, measurement)[0]

    def with_terms(self, pred: Tensor, target: Tensor, measurement: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Weighted sum, and its unweighted, detached terms by name, both from one computation.

        Args:
            pred: real and imaginary part of the reconstructions, (B, 2, H, W), magnitude in [0, 1].
            target: of the references, same shape.
            measurement: what the network was given, (B, 4 + 2 C, H, W), see ``measurement.pack``.

        Raises:
            ValueError: if shapes differ.
        """
        pred, target = check_pair(pred, target, "reconstruction loss")
        image, reference = magnitude(pred), magnitude(target)
        terms = {name: loss(image, reference) for name, loss in self.losses.items() if name in self.weights}
        if "frequency" in self.weights:
            terms["frequency"] = self.frequency(image, reference)
        if "relative" in self.weights:
            terms["relative"] = self.relative(pred, target, measurement[:, :2].to(pred))
        total = sum((self.weights[name] * term for name, term in terms.items()), start=pred.new_zeros(()))
        return total, {name: term.detach() for name, term in terms.items()}
