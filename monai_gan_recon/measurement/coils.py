"""Coils of a scan: readout oversampling, the calibration centre, coil compression, low-resolution maps."""

from __future__ import annotations

import math

import torch

from .fourier import fft2c, ifft2c

_CENTRE = 24
"""Largest height and width of the centre that low-resolution maps are made of, in samples."""


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
    if coils < 1:
        raise ValueError(f"coils must be at least 1, got {coils}")
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
    height, width = mask.shape[-2:]
    common = mask.bool().reshape(-1, height, width).all(0)
    (rows, columns), *_ = centre_sizes(common[None], largest or (height, width)).tolist()
    top, left = height // 2 - rows // 2, width // 2 - columns // 2
    return slice(top, top + rows), slice(left, left + columns)


def centre_sizes(mask: torch.Tensor, largest: tuple[int, int]) -> torch.Tensor:
    """Height and width (B, 2) of the largest fully sampled centred rectangle of each mask (B, H, W).

    A rectangle of size n begins at ``N // 2 - n // 2``; none is larger than ``largest``.
    """
    rows, columns = (_centre_out(n, most, mask.device) for n, most in zip(mask.shape[-2:], largest, strict=True))
    sampled = mask[:, rows][:, :, columns].to(torch.uint8)
    whole = sampled.cumprod(1).cumprod(2)  # [i, j]: is the rectangle of i + 1 by j + 1 fully sampled?
    area = whole * torch.outer(torch.arange(1, len(rows) + 1), torch.arange(1, len(columns) + 1)).to(mask.device)
    best = area.flatten(1).argmax(1)
    size = torch.stack([best // len(columns), best % len(columns)], -1) + 1
    return torch.where(whole[:, :1, 0].bool(), size, 0)


def _centre_out(n: int, most: int, device: torch.device) -> torch.Tensor:
    """Indices of an axis from the zero frequency outwards; the first m are the centred interval of size m."""
    distance = torch.arange(n, device=device) - n // 2
    return torch.argsort(2 * distance.abs() + (distance > 0))[:most]


def low_resolution_maps(kspace: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Coil sensitivities times the image's smooth phase, from the windowed centre of k-space.

    Each coil's low-resolution image is divided by the root sum of squares over coils. Cheap, smooth and without a
    least size of the centre, but blurred where the object ends; for the last word use
    :func:`~monai_gan_recon.measurement.espirit.espirit_maps`. The maps hold the image's own smooth phase, so that
    the image that goes with them is nearly real. Source: Pruessmann et al., Magn Reson Med 42:952 (1999);
    the window as in McKenzie et al., Magn Reson Med 47:529 (2002).

    Args:
        kspace: complex k-space, shape (..., coils, H, W).
        mask: sampling mask, bool, shape broadcastable to (..., 1, H, W); each slice uses its own centre.

    Returns:
        Maps of kspace's shape, root sum of squares 1 (or 0 where there is no signal at all).

    Raises:
        ValueError: if the zero frequency of a slice is not sampled.
    """
    *batch, _, height, width = kspace.shape
    flat = kspace.reshape(-1, *kspace.shape[-3:])
    masks = mask.expand(*batch, 1, height, width).reshape(-1, height, width)
    sizes = centre_sizes(masks, (min(_CENTRE, height), min(_CENTRE, width)))
    if (sizes == 0).any():
        raise ValueError("the zero frequency of k-space is not sampled: coil maps cannot be estimated, give --maps")
    rows, columns = (int(n) for n in sizes.amax(0))
    top, left = height // 2 - rows // 2, width // 2 - columns // 2
    centre = flat[..., top : top + rows, left : left + columns]
    centre = centre * (_hann(rows, sizes[:, 0])[:, None, :, None] * _hann(columns, sizes[:, 1])[:, None, None, :])
    image = interpolate_centre(centre, (height, width))
    parts = torch.view_as_real(image).flatten(-2)
    energy = torch.zeros_like(parts[:, 0])
    for coil in range(parts.shape[1]):  # in the processor's cache: twice as fast as one sum
        energy.addcmul_(parts[:, coil], parts[:, coil])
    energy = energy.unflatten(-1, (width, 2)).sum(-1).clamp_min_(torch.finfo(energy.dtype).tiny)
    return image.mul_(energy.rsqrt_()[:, None]).reshape(kspace.shape)


def _hann(n: int, sizes: torch.Tensor) -> torch.Tensor:
    """Hann windows (B, n) around ``n // 2`` that vanish just outside the centres of the given sizes (B)."""
    distance = (torch.arange(n, device=sizes.device) - n // 2).abs()
    half = (sizes[:, None] + 1) / 2
    return torch.where(distance < half, torch.cos(math.pi / 2 * distance / half).square(), 0.0)


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
