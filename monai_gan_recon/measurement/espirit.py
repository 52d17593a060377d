"""Coil sensitivity maps by ESPIRiT (Uecker et al., Magn Reson Med 71:990, 2014)."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import torch

from ..atomic import atomic_path
from .coils import calibration_region, interpolate_centre, principal_coils
from .noise import calibration_matrix, estimate_noise_std

LEAST_CALIBRATION = 6
"""Smallest height and width of a fully sampled centre that maps can be estimated from."""

_FEW_PIXELS = 32
_MOST_SECOND = 0.85
"""Largest second eigenvalue, averaged over the energy of the image, of coils that see one object."""
_RECIPE = "espirit 1"  # part of the cache's key: change it with the algorithm


def espirit_maps(
    kspace: torch.Tensor,
    mask: torch.Tensor,
    noise_std: float = 0.0,
    crop: float = 0.8,
    threshold: float = 0.02,
    largest: int = 32,
    cache_dir: str | os.PathLike[str] | None = None,
) -> torch.Tensor:
    """Coil sensitivity maps of every slice from its fully sampled centre.

    The same maps as ``sigpy.mri.app.EspiritCalib`` (with equal settings, overlap 1 - 3e-5 on average on a real slice)
    in about a ninth of its time: kernels are combined in k-space, as BART does, and each pixel's small matrix is
    squared instead of iterated on. About 0.35 s of processor time for 8 coils at 256 x 256
    (``benchmarks/calibration_time.py``).
    Normalised as BART does: root sum of squares 1, the first principal virtual coil real and positive, 0 where the
    eigenvalue is below ``crop``. The kernel has 5 x 5 samples, 3 x 3 in the smallest centres.

    Args:
        kspace: complex k-space, shape (..., coils, H, W), prewhitened.
        mask: sampling mask, bool, shape broadcastable to (..., 1, H, W).
        noise_std: of each real and imaginary part. Kernels that noise alone could make are left out: below SNR 10
            maps are lost without it.
        crop: eigenvalue, from 0 to 1, below which a pixel is taken for air. 0 crops nothing.
        threshold: kernels with singular values below this share of the largest are left out.
        largest: height and width of the centre beyond which samples are not used.
        cache_dir: folder where maps are kept, keyed by the content that they depend on; damaged files are remade.

    Returns:
        Maps of kspace's shape.

    Raises:
        ValueError: if the fully sampled centre is smaller than 6 x 6 samples.
    """
    *batch, coils, height, width = kspace.shape
    masks = mask.expand(*batch, 1, height, width).reshape(-1, height, width)
    maps = torch.empty_like(kspace).reshape(-1, coils, height, width)
    for index, one in enumerate(kspace.reshape(maps.shape)):
        rows, columns = calibration_region(masks[index], (largest, largest))
        centre = one[:, rows, columns]
        if min(centre.shape[1:]) < LEAST_CALIBRATION:
            raise ValueError(
                f"no calibration lines: {centre.shape[1]} x {centre.shape[2]} samples around the centre of k-space "
                f"are fully sampled, coil maps need {LEAST_CALIBRATION} x {LEAST_CALIBRATION}; give maps (--maps)"
            )
        options = {"noise_std": float(noise_std), "crop": float(crop), "threshold": float(threshold)}
        file = None if cache_dir is None else Path(cache_dir) / f"{_key(centre, (height, width), options)}.npz"
        found = None if file is None else _read(file, (coils, height, width))
        if found is None:
            found = _slice_maps(centre, (height, width), **options)
            if file is not None:
                _write(file, found)
        maps[index] = found
    return maps.reshape(kspace.shape)


def coil_doubt(kspace: torch.Tensor, mask: torch.Tensor) -> str | None:
    """What speaks against the coils of a slice being coils; None if nothing does.

    Coils see one object: of ESPIRiT's eigenvalues one is near 1 in it, the second is not. Slices that are taken for
    coils have nothing in common, and the second is, too: 0.97 and more for slices of heads, 0.33 to 0.76 for coils
    of heads and phantoms.

    Args:
        kspace: complex k-space (coils, H, W) of one slice.
        mask: sampling mask, bool (1, H, W).
    """
    centre = kspace[(slice(None), *calibration_region(mask[0], (_FEW_PIXELS, _FEW_PIXELS)))]
    if min(centre.shape) < 2 or min(centre.shape[1:]) < LEAST_CALIBRATION:
        return None
    noise_std = float(estimate_noise_std(kspace[None], mask[None]).median())
    grid = (_FEW_PIXELS, _FEW_PIXELS)
    eigenvalues = torch.linalg.eigvalsh(_centre_gram(centre, grid, noise_std))
    energy = interpolate_centre(centre, grid).abs().square().sum(0).flatten()
    second = float((energy * eigenvalues[:, -2]).sum() / energy.sum())
    if not second > _MOST_SECOND:
        return None
    return "its coils do not show one object; if they are slices or repetitions, say so with --axes slices,h,w"


def _centre_gram(
    centre: torch.Tensor, size: tuple[int, int], noise_std: float, threshold: float = 0.02
) -> torch.Tensor:
    coils = len(centre)
    kernel = min(max(min(centre.shape[1:]) // 3, 3), 5)
    matrix = calibration_matrix(centre, (kernel, kernel))
    energy, vectors = torch.linalg.eigh(matrix.mT @ matrix.conj())
    noise_edge = 2 * noise_std**2 * (len(matrix) ** 0.5 + matrix.shape[1] ** 0.5) ** 2
    kernels = vectors[:, energy > max(threshold**2 * float(energy[-1]), noise_edge, 1e-300)]
    return _pixel_gram((kernels @ kernels.mH).reshape(coils, kernel, kernel, coils, kernel, kernel), size)


def _slice_maps(
    centre: torch.Tensor, size: tuple[int, int], noise_std: float, crop: float, threshold: float
) -> torch.Tensor:
    gram = _centre_gram(centre, size, noise_std, threshold)
    vectors, eigenvalues = zip(*(_largest_eigenvector(block) for block in gram.split(4096)), strict=True)
    vector, eigenvalue = torch.cat(vectors), torch.cat(eigenvalues)
    reference = vector @ principal_coils(centre)[0].to(vector.dtype)
    maps = vector * (torch.sgn(reference).conj() * (eigenvalue > crop))[:, None]
    return maps.T.reshape(len(centre), *size).to(centre.dtype)


def _largest_eigenvector(gram: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Eigenvectors (n, coils) of the largest eigenvalues (n) of Hermitian matrices (n, coils, coils), none negative.

    Of the 128th power, by squaring, only that eigenvector is left. Blocks that fit the processor's cache are fastest.
    """
    tiny = torch.finfo(torch.float32).tiny
    power, spare = gram.clone(), torch.empty_like(gram)
    for _ in range(7):
        torch.bmm(power, power, out=spare)
        power, spare = spare, power
        power /= power.diagonal(dim1=1, dim2=2).real.sum(1).clamp_min_(tiny)[:, None, None]
    column = power.diagonal(dim1=1, dim2=2).real.argmax(1)
    vector = power.gather(2, column[:, None, None].expand(-1, gram.shape[1], 1))
    vector /= torch.linalg.vector_norm(vector, dim=1, keepdim=True).clamp_min(tiny)
    return vector[..., 0], torch.linalg.vector_norm(gram @ vector, dim=(1, 2))


def _pixel_gram(projection: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The coils' matrix of every pixel, (H W, coils, coils), of the projection onto the span of the kernels.

    A shift in the image of two kernels is the difference of their positions in k-space: the products of all kernels
    are first added up by that difference and interpolated once.
    """
    coils, kernel = projection.shape[:2]
    span = projection.new_zeros(coils, coils, 2 * kernel - 1, 2 * kernel - 1)
    for y in range(kernel):
        for x in range(kernel):
            rows, columns = (slice(kernel - 1 - n, 2 * kernel - 1 - n) for n in (y, x))
            span[..., rows, columns] += projection[..., y, x].permute(0, 3, 1, 2)
    image = interpolate_centre(span.to(torch.complex64) / kernel**2, size)
    return image.flatten(2).permute(2, 0, 1).contiguous()


def _key(centre: torch.Tensor, size: tuple[int, int], options: dict[str, float]) -> str:
    content = centre.contiguous().cpu().numpy()
    recipe = f"{_RECIPE} {content.dtype} {content.shape} {size} {sorted(options.items())}"
    return hashlib.sha256(recipe.encode() + content.tobytes()).hexdigest()[:40]


def _read(file: Path, shape: tuple[int, ...]) -> torch.Tensor | None:
    try:
        content = io.BytesIO(file.read_bytes())
        with np.load(content, allow_pickle=False) as archive:  # a zip archive: its checksums tell damage
            maps = archive["maps"]
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None
    return torch.from_numpy(maps) if maps.shape == shape and np.iscomplexobj(maps) else None


def _write(file: Path, maps: torch.Tensor) -> None:
    with atomic_path(file) as temporary:
        np.savez(temporary, maps=maps.cpu().numpy())
