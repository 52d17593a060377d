"""The loss of a reconstruction without reference: what was measured, and not given to the network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_gan_recon.losses.images import at_least_float32
from monai_gan_recon.measurement import fft2c, from_channels, unpack


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

    Raises:
        ValueError: if it is negative.
    """

    def __init__(self, unmeasured: float = 0.05) -> None:
        super().__init__()
        if not unmeasured >= 0:
            raise ValueError(f"measured loss: unmeasured must be at least 0, got {unmeasured}")
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
