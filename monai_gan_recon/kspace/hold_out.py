"""Hold some of the measured lines out, so that a network without reference images can be asked for them."""

from __future__ import annotations

import torch

from monai_gan_recon.kspace.forward_model import ForwardModel
from monai_gan_recon.kspace.fourier import from_channels, to_channels
from monai_gan_recon.kspace.hermitian import mirror


def hold_out(measured: torch.Tensor, fraction: float, centre: float = 0.02) -> torch.Tensor:
    """Remove a random part of the measured samples (SSDU: Yaman et al., Magn Reson Med 84, 2020).

    Whole lines where the mask is of whole lines, else single samples; a sample and its mirror go together, since after
    Hermitian completion one would tell the other. The centre stays. Draws from torch's global generator.

    Args:
        measured: zero-filled real and imaginary part, weight of each k-space sample, shape (B, 3, H, W).
        fraction: part of the measured samples outside the centre to remove, in [0, 1).
        centre: half width of the centre that stays, in units of the k-space's size.

    Returns:
        The same of the samples that are left, shape (B, 3, H, W).

    Raises:
        ValueError: if the fraction is not in [0, 1).
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"held_out must be in [0, 1), got {fraction}")
    weight = measured[:, 2]
    batch, height, width = weight.shape
    sampled = weight != 0
    columns, rows = (
        (sampled == sampled.narrow(dim, 0, 1)).flatten(1).all(dim=1).view(-1, 1, 1) for dim in (1, 2)
    )
    rows = rows & ~columns
    y, x = ((torch.arange(n, device=weight.device) - n // 2).abs() / n for n in (height, width))
    grid = torch.where(columns, x, torch.where(rows, y[:, None], torch.maximum(x, y[:, None])))
    chance = torch.where(
        columns,
        torch.rand(batch, 1, width, device=weight.device),
        torch.where(
            rows,
            torch.rand(batch, height, 1, device=weight.device),
            torch.rand(batch, height, width, device=weight.device),
        ),
    )
    chance = torch.minimum(chance, mirror(chance))  # below t with probability 1 - (1 - t)^2
    kept = weight * ~((chance < 1 - (1 - fraction) ** 0.5) & (grid > centre))
    zero_filled = ForwardModel(kept).adjoint(ForwardModel(kept)(from_channels(measured[:, :2])))
    return torch.cat((to_channels(zero_filled), kept[:, None]), dim=1)
