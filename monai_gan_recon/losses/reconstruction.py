"""The generator's loss beside the critic's: image terms, weighted and summed, or what was measured and not given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from monai_gan_recon.checks import check_arguments, check_numbers
from monai_gan_recon.losses.images import (
    DSSIMLoss,
    FrequencyLoss,
    NRMSELoss,
    RelativeErrorLoss,
    at_least_float32,
    check_pair,
)
from monai_gan_recon.measurement import fft2c, from_channels, magnitude, unpack


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


class MeasuredLoss(nn.Module):
    """Normalised l2 plus l1 distance of measured k-space samples (SSDU: Yaman et al., Magn Reson Med 84, 2020, eq. 7).

    The network is given a part of the measured samples (:func:`monai_gan_recon.measurement.hold_out`) and puts those
    back exactly; so the distance is that of the samples held out.

    Samples that no mask of the training ever holds are free: nothing teaches the network what to put there. A small
    price on the amplitude of all samples that were not measured settles it: under the l1 distance a sample that is
    asked for less often than this price stays zero.

    Args:
        unmeasured: that price, the weight of the unmeasured samples' l1 norm over that of the measured ones, at
            least 0.
    """

    def __init__(self, unmeasured: float = 0.05) -> None:
        super().__init__()
        check_numbers(unmeasured=unmeasured)
        self.unmeasured = unmeasured

    def with_terms(
        self, pred: Tensor, target: Tensor, measurement: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Weighted sum, and its detached, unweighted terms by name.

        Args:
            pred: real and imaginary part of the reconstruction, (B, 2, H, W).
            target: everything measured, as network input of one coil (B, 4, H, W), see ``measurement.pack``.
            measurement: not used; other losses take it.
        """
        if pred.ndim != 4 or pred.shape[1] != 2 or target.shape != (len(pred), 4, *pred.shape[2:]):
            raise ValueError(
                "measured loss: expected complex images (B, 2, H, W) and measurements of one coil (B, 4, H, W), "
                f"got {tuple(pred.shape)} and {tuple(target.shape)}"
            )
        data = unpack(target)
        measured = data.mask[:, 0] != 0
        estimate, everything = (fft2c(from_channels(at_least_float32(x))) for x in (pred, data.adjoint))
        reference = everything * measured
        terms = {
            "measured_l1": _ratio((estimate - reference) * measured, reference, 1),
            "measured_l2": _ratio((estimate - reference) * measured, reference, 2),
            "unmeasured": _ratio(estimate * ~measured, reference, 1),
        }
        total = terms["measured_l1"] + terms["measured_l2"] + self.unmeasured * terms["unmeasured"]
        return total, {name: term.detach() for name, term in terms.items()}

    def forward(self, pred: Tensor, target: Tensor, measurement: Tensor | None = None) -> Tensor:
        """Weighted sum; see :meth:`with_terms`."""
        return self.with_terms(pred, target, measurement)[0]


def _ratio(kspace: Tensor, reference: Tensor, order: int) -> Tensor:
    """Norm of k-space (B, H, W) over that of another, of real and imaginary parts, mean over the batch."""
    norms = [torch.linalg.vector_norm(torch.view_as_real(k).flatten(1), ord=order, dim=1) for k in (kspace, reference)]
    return (norms[0] / norms[1].clamp_min(1e-6)).mean()
