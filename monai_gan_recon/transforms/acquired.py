"""Input that is already undersampled: a zero-filled complex image and its sampling mask."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform, Transform
from monai.utils import TraceKeys

from monai_gan_recon.io.masks import fit_mask, read_mask
from monai_gan_recon.io.volumes import read_nifti, read_numpy
from monai_gan_recon.kspace import fft2c, mirror
from monai_gan_recon.transforms.undersample import Acquisition, measured

logger = logging.getLogger(__name__)

TRACKS = ("raw", "replica")
_MAX_PHASE = 100.0
_MAX_OUTSIDE = 0.05


class WithPhase(Transform):
    """Magnitude volume → complex volume (1, X, Y, Z), complex64.

    Args:
        phase: NIfTI (or ".npy") file of the phase in radians, on the magnitude's grid.
        plane: plane of the slices of ".npy" files.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: at the call, if it does not fit the magnitude, is not finite or not in radians.
    """

    def __init__(self, phase: str | os.PathLike[str], plane: str | None = None) -> None:
        self.path = Path(phase).expanduser()
        self.plane = plane
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path}: no such phase image; check the path of --phase")

    def __call__(self, magnitude: MetaTensor) -> MetaTensor:
        """Combine magnitude and phase."""
        if magnitude.is_complex():
            raise ValueError(f"{_name(magnitude)}: is complex already; leave out --phase")
        numpy_file = self.path.name.lower().endswith(".npy")
        values, affine = read_numpy(self.path, self.plane) if numpy_file else read_nifti(self.path)
        if values.shape != tuple(magnitude.shape[1:]):
            raise ValueError(
                f"{self.path}: the phase is {values.shape}, the magnitude {tuple(magnitude.shape[1:])}"
            )
        if not numpy_file and not np.allclose(affine, magnitude.affine, atol=1e-2):
            raise ValueError(f"{self.path}: the phase lies on another grid (affine) than the magnitude")
        if np.iscomplexobj(values) or not np.isfinite(values).all() or np.abs(values).max() > _MAX_PHASE:
            raise ValueError(
                f"{self.path}: the phase must be finite real numbers in radians; convert it first"
            )
        phase = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
        combined: MetaTensor = torch.polar(magnitude, phase.expand_as(magnitude))
        return combined


class WithPhased(MapTransform):
    """Dictionary version of :class:`WithPhase`.

    Args:
        keys: keys of the magnitude volumes.
        phase: see :class:`WithPhase`.
        plane: see :class:`WithPhase`.
    """

    def __init__(self, keys: KeysCollection, phase: str | os.PathLike[str], plane: str | None = None) -> None:
        super().__init__(keys)
        self.with_phase = WithPhase(phase, plane)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Combine magnitude and phase."""
        return dict(data) | {key: self.with_phase(data[key]) for key in self.key_iterator(dict(data))}


class ScaleMagnitude(InvertibleTransform):
    """Divide a real or complex image by its largest magnitude; the inverse multiplies.

    One positive factor keeps the Fourier transform linear, which subtracting a minimum would not.
    """

    def __call__(self, img: MetaTensor) -> MetaTensor:
        """Scale an image of any shape to a largest magnitude of 1."""
        factor = float(img.abs().max())
        if not 0 < factor < float("inf"):
            raise ValueError(f"{_name(img)}: its largest magnitude is {factor:g}; there is no image to scale")
        scaled: MetaTensor = img / factor
        self.push_transform(scaled, extra_info={"factor": factor})
        return scaled

    def inverse(self, data: torch.Tensor) -> torch.Tensor:
        """Original intensities of an image, or of another one that carries its applied operations."""
        return data * float(self.pop_transform(data)[TraceKeys.EXTRA_INFO]["factor"])


class ScaleMagnituded(MapTransform, InvertibleTransform):
    """Dictionary version of :class:`ScaleMagnitude`.

    Args:
        keys: keys of the images.
    """

    def __init__(self, keys: KeysCollection) -> None:
        super().__init__(keys)
        self.scaler = ScaleMagnitude()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Scale the images."""
        return dict(data) | {key: self.scaler(data[key]) for key in self.key_iterator(dict(data))}

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Give back the original intensities."""
        return dict(data) | {key: self.scaler.inverse(data[key]) for key in self.key_iterator(dict(data))}


class Acquired(Transform):
    """Zero-filled slices (1, N, H, W) and their sampling mask → network input.

    The measured k-space is ``fft2c(zero_filled) * mask``; data consistency is hard, or soft where noise is given.

    The image has to be complex: a zero-filled image has a phase even if the object has none, unless the mask is its own
    mirror. Magnitudes alone count as the *full* image of a real object (replica track), which is undersampled here;
    with a warning, since the magnitude of a zero-filled image would give data that nobody measured.

    Args:
        mask: file of the sampling mask, see :func:`monai_gan_recon.io.masks.read_mask`.
        axis: for a mask of lines, the axis along which it varies: -1 columns (W), -2 rows (H).
        track: "raw" (a scanner's data: the image must be complex), or "replica": the object is real, so that Hermitian
            symmetry may be used and a full magnitude image is accepted.
        hermitian: replica track: complete the network's input by Hermitian symmetry.
        channels: 3 (real, imaginary, weight) or 1 (magnitude) channels of network input.
        noise_level: standard deviation of the noise of each of the real and imaginary parts, in the units of the
            image as read (before :class:`ScaleMagnitude`); 0: hard data consistency.

    Raises:
        FileNotFoundError: if there is no such mask.
        ValueError: if the mask cannot be read or is empty, the track is unknown or the noise negative; at
            the call, if the mask is of another size, or the image has no phase and is no replica.
    """

    def __init__(
        self,
        mask: str | os.PathLike[str],
        axis: int = -1,
        track: str = "raw",
        hermitian: bool = True,
        channels: int = 3,
        noise_level: float = 0.0,
    ) -> None:
        if track not in TRACKS:
            raise ValueError(f"track {track!r} does not go with --mask: choose one of {', '.join(TRACKS)}")
        if axis not in (-1, -2):
            raise ValueError(f"axis must be -1 (columns) or -2 (rows), got {axis}")
        if noise_level < 0:
            raise ValueError(f"noise_level must be at least 0, got {noise_level}")
        self.mask, self.name, self.noise_level = read_mask(mask), str(mask), noise_level
        self.axis, self.track, self.hermitian, self.channels = axis, track, hermitian, channels

    def __call__(self, zero_filled: MetaTensor) -> Acquisition:
        """Make the network's input; its tensors carry the image's metadata."""
        if not zero_filled.is_complex() and self.track != "replica":
            raise ValueError(
                f"{_name(zero_filled)}: has magnitudes only, there is no k-space without the phase; give a "
                "complex image, or --phase FILE, or say --track replica if it is a full image, for the mask to sample"
            )
        mask = fit_mask(self.mask, zero_filled, self.axis, f"{self.name}: the sampling mask")
        full = fft2c(zero_filled.as_tensor()[0])
        kspace = full * mask
        self._warn(full, kspace, mask, _name(zero_filled))
        if not zero_filled.is_complex() and not torch.equal(mask, mirror(mask)):
            logger.warning(
                "%s: has magnitudes only and is taken for the full image, which the mask samples now; if it is a "
                "zero-filled image, give the complex one, or --phase FILE",
                _name(zero_filled),
            )
        sigma = self.noise_level / _scale_factor(zero_filled)
        hermitian = self.hermitian and self.track == "replica"
        return measured(kspace, mask, sigma, hermitian, self.channels, like=zero_filled)

    def _warn(self, full: torch.Tensor, kspace: torch.Tensor, mask: torch.Tensor, name: str) -> None:
        norms = [float(torch.linalg.vector_norm(k)) ** 2 for k in (kspace, full)]
        outside = 1 - norms[0] / max(norms[1], 1e-30)
        if self.track == "raw" and outside > _MAX_OUTSIDE:
            logger.warning(
                "%s: %.0f %% of the energy of its k-space lies outside the sampling mask: the mask may be of "
                "another scan, or its zero frequency not at n // 2, or turned (a 3-D mask has the axes of "
                "the image file, a 2-D one those of the slices as shown)",
                name,
                100 * outside,
            )
        elif not bool(mask[..., mask.shape[-2] // 2, mask.shape[-1] // 2].all()):
            logger.warning("%s: the zero frequency, at n // 2, is not in the sampling mask", self.name)


class Acquiredd(MapTransform):
    """Dictionary version of :class:`Acquired`, adding ``input``, ``zero_filled`` and ``mask``.

    Args:
        keys: the one key of the zero-filled slices.
        kwargs: arguments of :class:`Acquired`.
    """

    def __init__(self, keys: KeysCollection = "image", **kwargs: Any) -> None:
        super().__init__(keys)
        self.acquired = Acquired(**kwargs)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the acquisition to the dictionary."""
        result = dict(data)
        for key in self.key_iterator(result):
            result.update(self.acquired(data[key])._asdict())
        return result


def _scale_factor(image: torch.Tensor) -> float:
    """What :class:`ScaleMagnitude` divided the image by; 1 if it did not."""
    factors = [
        operation[TraceKeys.EXTRA_INFO]["factor"]
        for operation in getattr(image, "applied_operations", ())
        if operation.get(TraceKeys.CLASS_NAME) == ScaleMagnitude.__name__
    ]
    return float(math.prod(factors))


def _name(image: torch.Tensor) -> str:
    return str(getattr(image, "meta", {}).get("filename_or_obj", "the image"))
