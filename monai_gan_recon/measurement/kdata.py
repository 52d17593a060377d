"""What a scanner measured, and the one tensor in which networks are given it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Optional

import torch

from monai_gan_recon.measurement.fourier import from_channels, to_channels
from monai_gan_recon.measurement.operators import SenseOperator

BASE_CHANNELS = 4
"""Channels of a network's input before those of the maps: real, imaginary, mask, noise."""


@dataclass(frozen=True)
class KData:
    r"""Measured, prewhitened k-space of one or more coils, and all that is known of how it was measured.

    Args:
        kspace: complex (\*batch, coils, H, W), 0 where not sampled, zero frequency at ``n // 2``.
        mask: bool, broadcastable to (\*batch, 1, H, W); True = measured.
        maps: complex coil sensitivities, as ``kspace``; None: one coil of sensitivity 1.
        noise_std: standard deviation of the noise of each of the real and imaginary parts, broadcastable to
            (\*batch, 1, 1, 1), in the units of k-space; 0: exact.

    Raises:
        ValueError: if the shapes do not go together, or several coils have no maps.

    Example:
        >>> import torch
        >>> mask = torch.rand(1, 1, 32, 32) < 0.3
        >>> data = KData(torch.randn(1, 1, 32, 32, dtype=torch.complex64) * mask, mask)
        >>> data.adjoint().shape, pack(data).shape
        (torch.Size([1, 32, 32]), torch.Size([1, 4, 32, 32]))
    """

    kspace: torch.Tensor
    mask: torch.Tensor
    maps: torch.Tensor | None = None
    noise_std: torch.Tensor | float = 0.0

    def __post_init__(self) -> None:
        if self.kspace.ndim < 3 or not self.kspace.is_complex():
            raise ValueError(f"k-space must be complex (..., coils, H, W), got {tuple(self.kspace.shape)}")
        coils = self.kspace.shape[-3]
        if self.maps is None and coils > 1:
            raise ValueError(f"k-space of {coils} coils needs their sensitivities: give maps (..., coils, H, W)")
        if self.maps is not None and self.maps.shape[-3:] != self.kspace.shape[-3:]:
            raise ValueError(
                f"maps {tuple(self.maps.shape)} do not fit the k-space {tuple(self.kspace.shape)}: both are "
                "(..., coils, H, W)"
            )
        sizes = zip(self.mask.shape[-2:], self.kspace.shape[-2:], strict=True)
        if self.mask.ndim < 3 or self.mask.shape[-3] != 1 or any(given not in (1, n) for given, n in sizes):
            raise ValueError(
                f"the sampling mask {tuple(self.mask.shape)} does not fit the k-space {tuple(self.kspace.shape)}: "
                "it is (..., 1, H, W)"
            )

    @property
    def operator(self) -> SenseOperator:
        """The measurement as an operator on images."""
        return SenseOperator(self.mask, self.maps)

    def adjoint(self) -> torch.Tensor:
        r""":math:`A^H y`, complex (\*batch, H, W); of one coil, the zero-filled image."""
        return self.operator.adjoint(self.kspace)

    def with_phase(self, phase: torch.Tensor) -> KData:
        r"""Move a phase of the object, ``exp(i phase)`` (\*batch, H, W), into the operator; the rest is nearly real."""
        maps = phase.unsqueeze(-3)
        return replace(self, maps=maps if self.maps is None else self.maps * maps)


class Measurement(NamedTuple):
    """Sufficient statistics of a measurement for least squares, as a network uses them; compiles with TorchScript.

    Attributes:
        adjoint: :math:`A^H y` as real and imaginary part, float32 (B, 2, H, W).
        mask: centred sampling mask, (B, 1, H, W), 1 = measured.
        noise_std: standard deviation of each of the real and imaginary parts, (B, 1, 1, 1).
        maps: complex coil sensitivities (B, C, H, W), None for one coil of sensitivity 1.
    """

    adjoint: torch.Tensor
    mask: torch.Tensor
    noise_std: torch.Tensor
    maps: Optional[torch.Tensor]  # noqa: UP045 - TorchScript reads it


def pack(data: KData) -> torch.Tensor:
    r"""The network's input tensor of a measurement, float32 (\*batch, 4 + 2 C, H, W).

    Channels 0-1 are :math:`A^H y`, 2 is the mask, 3 the noise's standard deviation, then 2 for each coil's map (none
    for one coil of sensitivity 1).
    """
    adjoint = data.adjoint()
    plane = (*adjoint.shape[:-2], 1, *adjoint.shape[-2:])
    noise = torch.as_tensor(data.noise_std, dtype=torch.float32, device=adjoint.device)
    parts = [to_channels(adjoint), data.mask.float().expand(plane), noise.expand(plane)]
    if data.maps is not None:
        maps = data.maps.expand(*adjoint.shape[:-2], *data.maps.shape[-3:])
        parts.append(torch.view_as_real(maps).movedim(-1, -3).flatten(-4, -3))
    return torch.cat([part.float() for part in parts], dim=-3)


def unpack(x: torch.Tensor) -> Measurement:
    """Read a network's input tensor (B, 4 + 2 C, H, W), see :func:`pack`.

    Raises:
        ValueError: for another number of axes or channels, or slices below 16x16.
    """
    # TorchScript reads no constants of a module: 4 is BASE_CHANNELS, 16 is MIN_SLICE_SIZE
    if x.ndim != 4 or x.shape[1] < 4 or x.shape[1] % 2 != 0 or x.shape[2] < 16 or x.shape[3] < 16:
        raise ValueError(
            "a network takes (B, 4 + 2 coils, H, W): real, imaginary, mask, noise, maps, with H and W at least 16; "
            f"got {x.shape}"
        )
    x = x.float()
    maps: Optional[torch.Tensor] = None  # noqa: UP045 - TorchScript reads it
    if x.shape[1] > 4:
        maps = from_channels(x[:, 4:].unflatten(1, (-1, 2)))
    return Measurement(x[:, :2], x[:, 2:3], x[:, 3:4].amax(dim=(2, 3), keepdim=True), maps)
