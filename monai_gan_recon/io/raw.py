"""Raw k-space of any format as one thing, a :class:`RawScan`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

_STRAY = 0.01
"""Largest share of the samples of lines that are zero by chance: more are left out."""


@dataclass(frozen=True)
class RawScan:
    """K-space as a scanner wrote it, sorted into slices; nothing is corrected, compressed or scaled.

    Attributes:
        kspace: complex64 (slices, coils, H, W), zero frequency at index ``n // 2`` of H and W. In 2-D scans H is the
            readout and W the phase encoding. 3-D scans are already inverse-transformed along the readout (orthonormal,
            cropped to the reconstructed field of view): their slices lie across the readout, and H and W are the two
            phase encodings.
        mask: bool (H, W) or (slices, H, W), if the file tells which samples were measured; ``None``: those that are
            not zero in every coil, see :meth:`sampled`.
        noise: complex64 (coils, samples) of a noise scan, if the file has one, as strong as the noise of ``kspace``
            where the file tells the time of a sample of both.
        maps: complex64 (slices, coils, H, W) coil sensitivities, if the file has them.
        affine: (4, 4), index (slice, h, w) of the inverse Fourier transform of ``kspace`` to RAS in mm, if the file
            tells it. It is that of the encoded grid: after a crop of H, see :meth:`cropped_affine`.
        readout_oversampling: encoded over reconstructed field of view along H; 1 if none, or unknown.
        readout: whether H is a readout (2-D scans) or, like W, a phase encoding (3-D scans).
        matrix: reconstructed (H, W), if the file tells it.
        source: kind of file, for messages.

    Raises:
        ValueError: in one line, if the parts do not fit each other, samples are NaN or infinite, a coil is zero
            everywhere, or the zero frequency is at the corner.
    """

    kspace: np.ndarray
    mask: np.ndarray | None = None
    noise: np.ndarray | None = None
    maps: np.ndarray | None = None
    affine: np.ndarray | None = None
    readout_oversampling: float = 1.0
    readout: bool = True
    matrix: tuple[int, int] | None = None
    source: str = "array"

    def __post_init__(self) -> None:
        shape = self.kspace.shape
        if self.kspace.dtype != np.complex64 or len(shape) != 4 or 0 in shape:
            raise ValueError(
                f"k-space has shape {shape} and type {self.kspace.dtype}, not complex64 (slices, coils, H, W)"
            )
        slices, coils, height, width = shape
        if min(height, width) < 2:
            raise ValueError(f"k-space has {height} x {width} samples a slice; there is no image in it")
        if self.mask is not None and (
            self.mask.dtype != bool or self.mask.shape not in ((height, width), (slices, height, width))
        ):
            raise ValueError(f"the mask {self.mask.shape} does not fit slices of {height} x {width} samples")
        if self.mask is not None and not self.mask.any():
            raise ValueError("the mask is empty, no sample is measured")
        if self.noise is not None and (self.noise.ndim != 2 or len(self.noise) != coils):
            raise ValueError(f"the noise scan {self.noise.shape} does not have the {coils} coils of the k-space")
        if self.maps is not None and self.maps.shape != shape:
            raise ValueError(f"the coil maps {self.maps.shape} do not fit the k-space {shape}")
        for name, part in (("noise scan", self.noise), ("coil maps", self.maps)):
            if part is not None and not np.isfinite(part).all():
                raise ValueError(f"numbers of the {name} are NaN or infinite; export the scan again")
        energy = np.zeros((coils, height, width))
        for one in self.kspace:  # slice by slice: no second copy of a large scan
            if not np.isfinite(one).all():
                raise ValueError("samples of the k-space are NaN or infinite; export the scan again")
            energy += one.real.astype(np.float64) ** 2 + one.imag.astype(np.float64) ** 2
        silent = np.flatnonzero(energy.sum(axis=(1, 2)) == 0)
        if silent.size:
            raise ValueError(f"coil {silent[0]} of {coils} (counted from 0) is zero everywhere; leave it out")
        total = energy.sum(axis=0)
        if _in_centre(np.fft.fftshift(total)) > max(0.5, 4 * _in_centre(total)):
            raise ValueError(
                "the zero frequency is at index 0 of the k-space, not at n // 2; apply fftshift to its two axes first"
            )

    def sampled(self) -> np.ndarray:
        """Which samples were measured: the mask, or else where a coil is not zero; bool (slices, H, W).

        A sample can be measured to be zero. Where the lines that are not empty have hardly any zeros, these were.
        """
        if self.mask is not None:
            return np.broadcast_to(self.mask, (len(self.kspace), *self.kspace.shape[2:]))
        return np.stack([_without_stray_zeros((one != 0).any(axis=0)) for one in self.kspace])

    def cropped_affine(self, height: int, width: int) -> np.ndarray | None:
        """Affine of the images after a crop (or zero-padding) about ``n // 2`` to (height, width) pixels."""
        if self.affine is None:
            return None
        result = self.affine.copy()
        shift = [0, self.kspace.shape[2] // 2 - height // 2, self.kspace.shape[3] // 2 - width // 2]
        result[:3, 3] += result[:3, :3] @ shift
        return result


def _without_stray_zeros(measured: np.ndarray) -> np.ndarray:
    lines = np.outer(measured.any(axis=1), measured.any(axis=0))
    stray = lines & ~measured
    return lines if stray.sum() <= _STRAY * lines.sum() else measured


def _in_centre(energy: np.ndarray) -> float:
    """Share of the energy in the middle eighth of the two last axes."""
    rows, columns = (slice(n // 2 - max(n // 16, 1), n // 2 + max(n // 16, 1) + 1) for n in energy.shape[-2:])
    total = float(energy.sum())
    return float(energy[..., rows, columns].sum()) / total if total else 0.0


def looks_like_kspace(array: np.ndarray) -> bool:
    """Whether a complex array is k-space rather than a complex image.

    K-space has its energy at index ``n // 2`` (or 0) of two of its axes, and its Fourier transform does not; an image
    is the other way round.

    Args:
        array: any shape; axes of 16 or more can be those of an image.

    Returns:
        Always ``False`` for real arrays, and for those too small to tell.
    """
    if array.dtype.kind != "c":
        return False
    axes = [axis for axis, length in enumerate(array.shape) if length >= 16]
    for plane in combinations(axes, 2):
        few = array
        for axis, n in enumerate(array.shape):  # three entries along the other axes are enough
            if axis not in plane and n > 3:
                few = few.take([n // 4, n // 2, 3 * n // 4], axis=axis)
        few = np.moveaxis(few, plane, (-2, -1))
        energy = np.abs(few) ** 2
        inside = max(_in_centre(energy), _in_centre(np.fft.fftshift(energy, axes=(-2, -1))))
        if inside > 0.3 and inside > 2 * _in_centre(np.abs(np.fft.fftshift(np.fft.fft2(few), axes=(-2, -1))) ** 2):
            return True
    return False


def to_image(line: np.ndarray, length: int | None = None, axis: int = -1) -> np.ndarray:
    """Centred orthonormal inverse Fourier transform along an axis, cropped about ``n // 2`` to a ``length``."""
    with np.errstate(all="ignore"):  # of samples that are no numbers a scan tells
        image = np.fft.ifft(np.fft.ifftshift(line, axes=axis), axis=axis, norm="ortho")
    image = np.fft.fftshift(image, axes=axis)
    n = image.shape[axis]
    start = n // 2 - (length or n) // 2
    return np.take(image, range(start, start + (length or n)), axis=axis)
