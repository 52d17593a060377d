"""Coils of a scan: readout oversampling, coil compression, the calibration centre."""

from __future__ import annotations

import math

import torch

from ..checks import check_counts
from .fourier import fft2c, ifft2c


def remove_readout_oversampling(kspace: torch.Tensor, factor: float = 2.0) -> torch.Tensor:
    """Crop the field of view along the readout to the part that was asked for.

    Scanners sample the readout twice as densely as the field of view needs, which costs no time. The surplus is air at
    both ends. The transforms are orthonormal and the crop drops pixels, so white noise keeps its standard deviation.

    Args:
        kspace: complex k-space, shape (..., H, W), H the readout. Every readout must be complete: one that is cut
            off or zero-filled (partial echo) rings.
        factor: oversampling factor, at least 1; Siemens scanners use 2.

    Returns:
        k-space of shape (..., round(H / factor), W), the zero frequency at ``n // 2`` again.

    Raises:
        ValueError: if the factor is below 1 or leaves no sample.
    """
    height = kspace.shape[-2]
    if not (1 <= factor <= height):
        raise ValueError(f"readout oversampling factor must be from 1 to {height} (the readout), got {factor}")
    kept = round(height / factor)
    if kept == height:
        return kspace
    start = height // 2 - kept // 2
    return fft2c(ifft2c(kspace)[..., start : start + kept, :])


def compress_coils(kspace: torch.Tensor, coils: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """Combine the coils of a scan into fewer virtual coils, by singular value decomposition.

    Whiten first (:func:`~monai_gan_recon.measurement.noise.prewhiten`), so that energy means signal. The rows of the
    matrix are orthonormal: white noise stays white and keeps its standard deviation. All slices share one matrix.
    Source: Buehrer et al., Magn Reson Med 57:1131 (2007).

    Args:
        kspace: complex k-space of a scan, shape (..., coils, H, W), 0 where not sampled.
        coils: largest number of virtual coils.

    Returns:
        k-space of shape (..., min(coils, C), H, W), virtual coils in order of falling energy, and the matrix of
        shape (min(coils, C), C) that made it. One coil comes back as it is.

    Raises:
        ValueError: if ``coils`` is below 1.
    """
    check_counts(coils=coils)
    matrix = principal_coils(kspace)[:coils]
    return torch.einsum("vc,...chw->...vhw", matrix, kspace), matrix


def principal_coils(kspace: torch.Tensor) -> torch.Tensor:
    """Unitary matrix (C, C) whose rows turn the coils of k-space (..., C, H, W) into principal virtual coils.

    Rows come in order of falling energy; the phase of each is such that its largest weight is real and positive.
    """
    samples = kspace.movedim(-3, 0).flatten(1)
    samples = samples / samples.abs().max().clamp_min(torch.finfo(samples.real.dtype).tiny)
    vectors = torch.linalg.eigh((samples @ samples.mH).to(torch.complex128)).eigenvectors.flip(-1)
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return (vectors * torch.sgn(largest).conj()).mH.to(kspace.dtype).contiguous()


def calibration_region(mask: torch.Tensor, largest: tuple[int, int] | None = None) -> tuple[slice, slice]:
    """The largest fully sampled rectangle around the zero frequency.

    Example:
        >>> lines = (torch.arange(64) - 32).abs() < 6
        >>> calibration_region(lines.expand(48, 64))
        (slice(0, 48, None), slice(27, 38, None))

    Args:
        mask: sampling mask, bool, shape (..., H, W). Of several masks, the region that all of them sample.
        largest: sizes beyond which a side is not to grow; None for no limit.

    Returns:
        Slices of H and W, both empty where the zero frequency itself is not sampled.
    """
    size = mask.shape[-2:]
    common = mask.bool().reshape(-1, *size).all(0)
    rows, columns = (_centre_out(n, most, mask.device) for n, most in zip(size, largest or size, strict=True))
    whole = common[rows][:, columns].to(torch.uint8).cumprod(0).cumprod(1)  # [i, j]: is i + 1 by j + 1 fully sampled?
    area = whole.cpu() * torch.outer(torch.arange(1, len(rows) + 1), torch.arange(1, len(columns) + 1))
    found = divmod(int(area.argmax()), len(columns))
    sides = [(side + 1) * int(whole[0, 0]) for side in found]
    starts = [n // 2 - side // 2 for n, side in zip(size, sides, strict=True)]
    return slice(starts[0], starts[0] + sides[0]), slice(starts[1], starts[1] + sides[1])


def _centre_out(n: int, most: int, device: torch.device) -> torch.Tensor:
    """Indices of an axis from the zero frequency outwards; the first m are the centred interval of size m."""
    distance = torch.arange(n, device=device) - n // 2
    return torch.argsort(2 * distance.abs() + (distance > 0))[:most]


def interpolate_centre(centre: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Image on a fine grid of a small centre of k-space: ``ifft2c`` of the zero-padded centre, times sqrt(H W).

    Two matrix products with parts of the Fourier matrix, many times faster than a padded transform. The centre is
    complex (..., h, w), its zero frequency at ``n // 2``; the image is complex, (..., H, W).
    """
    rows, columns = (_fourier(n, m, centre) for n, m in zip(size, centre.shape[-2:], strict=True))
    return rows @ (centre @ columns.mT)


def _fourier(n: int, m: int, like: torch.Tensor) -> torch.Tensor:
    """Columns of the inverse Fourier matrix (n, m), without its scale, for the m central frequencies."""
    x, k = torch.arange(n, device=like.device) - n // 2, torch.arange(m, device=like.device) - m // 2
    angle = 2 * math.pi / n * torch.remainder(torch.outer(x, k), n).to(torch.float64)
    return torch.polar(torch.ones_like(angle), angle).to(like.dtype)
