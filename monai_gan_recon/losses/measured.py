"""The loss of a reconstruction without reference: what was measured, and not given to the network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_gan_recon.losses._inputs import at_least_float32


class MeasuredLoss(nn.Module):
    """Normalised l2 plus l1 distance of measured k-space samples (SSDU: Yaman et al., Magn Reson Med 84, 2020, eq. 7).

    The network is given a part of the measured samples (:func:`monai_gan_recon.kspace.hold_out`) and puts those back
    exactly; so the distance is that of the samples held out.
    """

    def with_terms(
        self, pred: Tensor, target: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Distance, and its two detached terms by name; see :meth:`forward`."""
        if pred.ndim != 4 or pred.shape[1] != 2 or target.shape != (len(pred), 3, *pred.shape[2:]):
            raise ValueError(
                "measured loss: expected complex images (B, 2, H, W) and measurements (B, 3, H, W), "
                f"got {tuple(pred.shape)} and {tuple(target.shape)}"
            )
        measured = torch.fft.ifftshift(target[:, 2] != 0, dim=(-2, -1))
        estimate, reference = (
            torch.fft.fft2(torch.complex(image[:, 0], image[:, 1]), norm="ortho") * measured
            for image in (at_least_float32(pred), at_least_float32(target))
        )
        terms = {}
        for order in (1, 2):
            error = torch.view_as_real(estimate - reference).flatten(1)
            size = torch.view_as_real(reference).flatten(1)
            distances = [torch.linalg.vector_norm(k, ord=order, dim=1) for k in (error, size)]
            terms[f"measured_l{order}"] = (distances[0] / distances[1].clamp_min(1e-6)).mean()
        return sum(terms.values(), start=pred.new_zeros(())), {n: t.detach() for n, t in terms.items()}

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Compare complex images with measurements.

        Args:
            pred: real and imaginary part of the reconstruction, (B, 2, H, W).
            target: zero-filled real and imaginary part of everything measured, and the weight of each k-space sample
                (0: not measured), (B, 3, H, W).
            mask: not used; other losses take it.

        Returns:
            Scalar >= 0.
        """
        return self.with_terms(pred, target, mask)[0]
