"""From what a scanner stored to what a reconstruction needs: white k-space, few coils, maps, noise level."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import torch

from .coils import compress_coils
from .espirit import espirit_maps
from .noise import WHITENED_NOISE_STD, edge_noise, estimate_noise_std, noise_covariance, prewhiten


class Calibrated(NamedTuple):
    """What :func:`calibrate` returns."""

    kspace: torch.Tensor
    """Complex k-space (slices, virtual coils, H, W)."""
    maps: torch.Tensor | None
    """Coil sensitivities, as kspace, root sum of squares 1 or 0; None for one coil, or if not asked for."""
    noise_std: torch.Tensor
    """Of each real and imaginary part of ``kspace``, (slices, 1, 1, 1); the same for all slices."""


def calibrate(
    kspace: torch.Tensor,
    mask: torch.Tensor,
    noise: torch.Tensor | None = None,
    maps: torch.Tensor | None = None,
    coils: int = 8,
    whiten: bool = True,
    espirit: bool = True,
) -> Calibrated:
    """Prewhiten a scan, compress its coils, and find sensitivity maps and the noise level.

    One coil stays as it is; only its noise level is found.

    Example:
        >>> scan = calibrate(kspace, mask, noise=noise_scan)  # doctest: +SKIP
        >>> scan.kspace.shape, scan.maps.shape, scan.noise_std.shape  # doctest: +SKIP

    Args:
        kspace: complex k-space of one scan, shape (slices, coils, H, W), 0 where not sampled; readout oversampling
            removed, unfiltered.
        mask: sampling mask, bool, shape broadcastable to (slices, 1, H, W).
        noise: noise scan, shape (coils, n), of the scan's receiver bandwidth
            (see :func:`~monai_gan_recon.measurement.noise.noise_covariance`). None: the edges of k-space.
        maps: sensitivity maps of the coils as measured, shape (slices, coils, H, W) or (coils, H, W); they are
            whitened, compressed and normalised along with k-space. None: ESPIRiT.
        coils: largest number of virtual coils.
        whiten: False where k-space is white already.
        espirit: False leaves out ESPIRiT, so that maps which are not given stay None: for scans whose slices are
            estimated when they are needed.

    Raises:
        ValueError: if k-space is not (slices, coils, H, W), a coil is all zero or not finite, the noise scan or the
            maps do not fit, the noise is singular, or there is no calibration centre and no maps.
    """
    _check(kspace, maps)
    one_coil = kspace.shape[1] == 1
    if noise is not None and noise.shape[0] != kspace.shape[1]:
        raise ValueError(
            f"the noise scan has {noise.shape[0]} coils and the scan {kspace.shape[1]}: give the noise of these coils"
        )
    if maps is not None:
        maps = maps.expand(kspace.shape) / maps.abs().amax()  # their scale is arbitrary, and squares must not vanish
    if whiten and not one_coil:
        samples = edge_noise(kspace, mask) if noise is None else noise
        covariance = noise_covariance(samples, robust=noise is None)
        kspace = prewhiten(kspace, covariance)
        maps = None if maps is None else prewhiten(maps, covariance)
    if kspace.shape[1] > coils:
        kspace, matrix = compress_coils(kspace, coils)
        maps = None if maps is None else torch.einsum("vc,schw->svhw", matrix, maps)
    noise_std = estimate_noise_std(kspace, mask).median()
    if noise is not None and (whiten or one_coil):
        given = WHITENED_NOISE_STD * (float(noise_covariance(noise)[0, 0].real) ** 0.5 if one_coil else 1.0)
        if not 1 / 1.5 < given / float(noise_std) < 1.5:
            warnings.warn(
                f"the noise scan is {given / float(noise_std):.2f} times as strong as the scan's own noise: "
                "is its receiver bandwidth another?",
                stacklevel=2,
            )
        noise_std = torch.full_like(noise_std, given)
    if one_coil:
        maps = None
    elif maps is None and espirit:
        maps = espirit_maps(kspace, mask, float(noise_std))
    elif maps is not None:
        tiny = torch.finfo(torch.float32).tiny
        maps = maps / torch.linalg.vector_norm(maps, dim=1, keepdim=True).clamp_min(tiny)
    return Calibrated(kspace, maps, noise_std.expand(len(kspace), 1, 1, 1))


def _check(kspace: torch.Tensor, maps: torch.Tensor | None) -> None:
    shape = tuple(kspace.shape)
    if kspace.ndim != 4 or not kspace.is_complex():
        raise ValueError(f"k-space must be complex (slices, coils, H, W), got {kspace.dtype} of shape {shape}")
    if maps is not None and tuple(maps.shape) not in (shape, shape[1:], (1, *shape[1:])):
        same = sorted(n for n in maps.shape if n > 1) in (sorted(n for n in s if n > 1) for s in (shape, shape[1:]))
        hint = "the coils are on another axis of one of them" if same else "give maps of the same coils and size"
        raise ValueError(f"maps of shape {tuple(maps.shape)} do not fit k-space (slices, coils, H, W) {shape}: {hint}")
    if maps is not None and not 0 < float(maps.abs().amax()) < float("inf"):
        raise ValueError("the coil maps are zero everywhere, or have NaN or infinite values; give others")
    if shape[1] > max(16, min(shape[2:])):
        raise ValueError(f"k-space (slices, coils, H, W) {shape} has more coils than pixels: coils on the wrong axis?")
    largest = torch.view_as_real(kspace).abs().amax((0, 2, 3, 4))
    for coil, value in enumerate(largest.tolist()):
        if not 0 < value < float("inf"):
            cause = "all zero" if value == 0 else "not finite (NaN)"
            raise ValueError(f"coil {coil} of k-space is {cause}: leave it out")
