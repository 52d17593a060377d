"""Measuring again: with some of the measured lines held out, or another object through the same mask."""

from __future__ import annotations

import torch

from monai_gan_recon.measurement.fourier import from_channels, to_channels
from monai_gan_recon.measurement.kdata import unpack
from monai_gan_recon.measurement.operators import SenseOperator
from monai_gan_recon.measurement.phase import mirror


def hold_out(measured: torch.Tensor, fraction: float, centre: float = 0.02) -> torch.Tensor:
    """Remove a random part of the measured samples (SSDU: Yaman et al., Magn Reson Med 84, 2020).

    Whole lines where the mask is of whole lines, else single samples; a sample and its mirror go together, since after
    Hermitian completion one would tell the other. The centre stays. Draws from torch's global generator.

    Args:
        measured: network input of one coil, see :func:`~monai_gan_recon.measurement.pack`, (B, 4, H, W).
        fraction: part of the measured samples outside the centre to remove, in [0, 1).
        centre: half width of the centre that stays, in units of the k-space's size.

    Returns:
        Network input of the samples that are left, (B, 4, H, W).

    Raises:
        ValueError: if the fraction is not in [0, 1), or there are coil sensitivities.
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"held_out must be in [0, 1), got {fraction}")
    data = unpack(measured)
    if data.maps is not None:
        raise ValueError("samples can be held out of one coil only: leave out the coil sensitivities")
    sampled = data.mask[:, 0] != 0
    batch, height, width = sampled.shape
    device = measured.device
    columns, rows = ((sampled == sampled.narrow(dim, 0, 1)).flatten(1).all(dim=1).view(-1, 1, 1) for dim in (1, 2))
    rows = rows & ~columns
    y, x = ((torch.arange(n, device=device) - n // 2).abs() / n for n in (height, width))
    grid = torch.where(columns, x, torch.where(rows, y[:, None], torch.maximum(x, y[:, None])))
    chance = torch.where(
        columns,
        torch.rand(batch, 1, width, device=device),
        torch.where(rows, torch.rand(batch, height, 1, device=device), torch.rand(batch, height, width, device=device)),
    )
    chance = torch.minimum(chance, mirror(chance))  # below t with probability 1 - (1 - t)^2
    kept = (sampled & ~((chance < 1 - (1 - fraction) ** 0.5) & (grid > centre)))[:, None]
    left = SenseOperator(kept).gram(from_channels(data.adjoint))
    return torch.cat((to_channels(left), kept.to(measured), measured[:, 3:]), dim=1)


def measure_again(image: torch.Tensor, measurement: torch.Tensor) -> torch.Tensor:
    """What a scanner would have measured of other images, in the same way: :math:`A^H (A x + noise)`.

    The noise is drawn from torch's global generator.

    Args:
        image: real and imaginary part, (B, 2, H, W).
        measurement: network input whose mask, noise and maps are used, (B, 4 + 2 C, H, W).

    Returns:
        Real and imaginary part of the zero-filled images, (B, 2, H, W), differentiable in ``image``.
    """
    data = unpack(measurement)
    operator = SenseOperator(data.mask, data.maps)
    kspace = operator.forward(from_channels(image))
    if bool((data.noise_std > 0).any()):
        kspace = kspace + torch.view_as_complex(torch.randn(*kspace.shape, 2, device=kspace.device)) * data.noise_std
    return to_channels(operator.adjoint(kspace))
