"""Scans of whole volumes, a block of slices at a time: simulated ones of magnitude volumes, and measured ones.

A scan knows its slices and gives, for any block of them, what a network takes. Nothing of a block outlives it, so that
memory does not grow with what k-space, coils and noise add to a volume.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Hashable, Mapping
from typing import Any, Protocol

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import TraceKeys

from monai_gan_recon.checks import check_numbers, check_switches
from monai_gan_recon.io.masks import fit_mask, mask_doubt, read_mask
from monai_gan_recon.measurement import KData, check_axis, fft2c, mirror
from monai_gan_recon.measurement.noise import estimate_noise_std
from monai_gan_recon.simulation import Undersample, measured_block
from monai_gan_recon.transforms.intensity import ScaleMagnitude
from monai_gan_recon.vocabulary import MEASURED_TRACKS

logger = logging.getLogger(__name__)


class Scan(Protocol):
    """A volume's slices, as they were measured.

    Attributes:
        size: slices, height and width (N, H, W).
        reference: magnitude of the images to find (1, N, H, W), where it is at hand as a whole; else None: then blocks
            may have a ``target`` each.
    """

    size: tuple[int, int, int]
    reference: torch.Tensor | None

    def block(self, start: int, stop: int) -> dict[str, torch.Tensor]:
        """What was measured of the slices from ``start`` to before ``stop``, B of them.

        Returns:
            What :func:`monai_gan_recon.simulation.measured_block` gives.
        """


class SimulatedScan:
    """Retrospective undersampling of a magnitude volume.

    Args:
        volume: slices (1, N, H, W), Min-Max scaled.
        undersample: how they are scanned.
        case: name of the case, on which mask, phase and noise depend.
    """

    def __init__(self, volume: torch.Tensor, undersample: Undersample, case: str = "") -> None:
        self.volume, self.undersample, self.case = volume, undersample, case
        _, slices, height, width = volume.shape
        self.size = (slices, height, width)
        one_coil = undersample.coils == 1  # several shade the image
        self.reference = volume.as_subclass(torch.Tensor) if one_coil else None

    def block(self, start: int, stop: int) -> dict[str, torch.Tensor]:
        """Scan some of the slices; see :class:`Scan`."""
        return self.undersample(self.volume[:, start:stop], self.case, start, self.volume)


class SimulatedScand(MapTransform):
    """Add a :class:`SimulatedScan` of the one volume (1, N, H, W) under ``scan``; ``case`` is its case's name.

    Arguments are those of :class:`monai_gan_recon.simulation.Undersample`.
    """

    def __init__(self, keys: KeysCollection = "image", **kwargs: Any) -> None:
        super().__init__(keys)
        self.undersample = Undersample(**kwargs)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the scan; slices are scanned when they are asked for."""
        case = str(data.get("case", ""))
        return dict(data) | {"scan": SimulatedScan(data[self.first_key(dict(data))], self.undersample, case)}


class MeasuredScan:
    """Measurements as they are: prewhitened k-space with its maps and noise.

    Args:
        data: k-space (*batch, coils, H, W).
        phase: estimate a smooth phase and move it into the operator.
    """

    def __init__(self, data: KData, phase: bool = True) -> None:
        *batch, coils, height, width = data.kspace.shape

        def slices(part: torch.Tensor, channels: int, *size: int) -> torch.Tensor:
            return part.expand(*batch, channels, *size).reshape(-1, channels, *size)

        noise = torch.as_tensor(data.noise_std, dtype=torch.float32)
        self.kspace = slices(data.kspace, coils, height, width).to(torch.complex64)
        self.mask = slices(data.mask, 1, height, width)
        self.maps = None if data.maps is None else slices(data.maps, coils, height, width).to(torch.complex64)
        self.noise_std = slices(noise if noise.ndim else noise.reshape(1, 1, 1), 1, 1, 1)
        self.phase, self.reference = phase, None
        self.size = (len(self.kspace), height, width)

    def block(self, start: int, stop: int) -> dict[str, torch.Tensor]:
        """The measurement of some of the slices; see :class:`Scan`."""
        some = slice(start, stop)
        maps = None if self.maps is None else self.maps[some]
        mask = self.mask[some]
        return measured_block(KData(self.kspace[some] * mask, mask, maps, self.noise_std[some]), phase=self.phase)


class AcquiredScan:
    """Slices that are undersampled already: zero-filled complex images of one coil and their sampling mask.

    The measured k-space is ``fft2c(zero_filled) * mask``. Magnitudes alone count as the *fully sampled* image of a real
    object (replica track), which is undersampled here; with a warning, since the magnitude of a zero-filled image would
    give data that nobody measured. On another track they are a ValueError.

    Args:
        zero_filled: slices (1, N, H, W), complex unless the track is "replica".
        mask: bool (H, W), or (N, H, W) if each slice has its own.
        track: "raw" (a scanner's data), or "replica": the object is real.
        hermitian: replica track: complete the network's input by Hermitian symmetry.
        phase: raw track: estimate a smooth phase and move it into the operator.
        noise_std: standard deviation of the noise of each of the real and imaginary parts, in the units of
            ``zero_filled``; None: estimated.
        name: of the file, for messages.
    """

    def __init__(
        self,
        zero_filled: torch.Tensor,
        mask: torch.Tensor,
        track: str = "raw",
        hermitian: bool = True,
        phase: bool = True,
        noise_std: float | None = 0.0,
        name: str = "the image",
    ) -> None:
        if not zero_filled.is_complex() and track != "replica":
            raise ValueError(
                f"{name}: has magnitudes only, there is no k-space without the phase; give a complex image, or "
                "--phase FILE, or say --track replica if it is a fully sampled image, for the mask to sample"
            )
        if not zero_filled.is_complex() and not torch.equal(mask, mirror(mask)):
            logger.warning(
                "%s: has magnitudes only and is taken for the fully sampled image, which the mask samples now; if it "
                "is a zero-filled image, give the complex one, or --phase FILE",
                name,
            )
        self.slices = zero_filled[0].as_subclass(torch.Tensor)
        self.mask = mask if mask.ndim == 3 else mask.expand(self.slices.shape)
        self.track, self.hermitian, self.phase, self.name = track, hermitian, phase, name
        slices, height, width = self.slices.shape
        self.size = (slices, height, width)
        self.reference = None
        self._warn()
        self.noise_std = self._estimate() if noise_std is None else noise_std

    def block(self, start: int, stop: int) -> dict[str, torch.Tensor]:
        """The measurement of some of the slices; see :class:`Scan`."""
        mask = self.mask[start:stop, None]
        data = KData(fft2c(self.slices[start:stop])[:, None] * mask, mask, noise_std=self.noise_std)
        return measured_block(data, self.hermitian and self.track == "replica", self.phase and self.track == "raw")

    def _estimate(self) -> float:
        middle = slice(self.size[0] // 3, max(2 * self.size[0] // 3, self.size[0] // 3 + 1))
        mask = self.mask[middle, None]
        return float(estimate_noise_std(fft2c(self.slices[middle])[:, None] * mask, mask).median())

    def _warn(self) -> None:
        middle = self.size[0] // 2
        energy = fft2c(self.slices[middle]).abs().square()
        if doubt := mask_doubt(self.mask[middle], energy, zero_filled=self.slices.is_complex()):
            logger.warning("%s: %s", self.name, doubt)


def known_noise_std(noise_std: Any) -> float | None:
    """Standard deviation of the noise that is stated; None for "auto": it is estimated. Else a ValueError."""
    if noise_std == "auto":
        return None
    check_numbers(noise_std=noise_std)
    return float(noise_std)


class AcquiredScand(MapTransform):
    """Add an :class:`AcquiredScan` of the zero-filled slices (1, N, H, W), the one key, under ``scan``.

    Args:
        keys: the one key of the slices, with their metadata.
        mask: file of the sampling mask, see :func:`monai_gan_recon.io.masks.read_mask`.
        axis: for a mask of lines, the axis along which it varies: -1 columns (W), -2 rows (H).
        noise_std: in the units of the image as read; "auto": estimated; 0: none.
        track: "raw" or "replica", as ``hermitian`` and ``use_phase`` an argument of the scan.
        hermitian: see ``track``.
        use_phase: see ``track``.

    Raises:
        FileNotFoundError: if there is no such mask.
        ValueError: if an argument is wrong; at the call, if the mask is of another size.
    """

    def __init__(
        self,
        keys: KeysCollection,
        mask: str | os.PathLike[str],
        axis: int = -1,
        noise_std: float | str = "auto",
        track: str = "raw",
        hermitian: bool = True,
        use_phase: bool = True,
    ) -> None:
        super().__init__(keys)
        if track not in MEASURED_TRACKS:
            raise ValueError(f"track: {track!r} does not go with --mask: choose one of {', '.join(MEASURED_TRACKS)}")
        check_axis(axis)
        check_switches(hermitian=hermitian, use_phase=use_phase)
        self.mask, self.mask_name, self.axis = read_mask(mask), str(mask), axis
        self.noise_std = known_noise_std(noise_std)
        self.track, self.hermitian, self.use_phase = track, hermitian, use_phase

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the scan."""
        image: MetaTensor = data[self.first_key(dict(data))]
        if any(step.get(TraceKeys.CLASS_NAME) == "ResizeWithPadOrCrop" for step in image.applied_operations):
            raise ValueError("--size does not go with --mask: cropping would change the measured k-space")
        mask = fit_mask(self.mask, image, self.axis, f"{self.mask_name}: the sampling mask")
        noise_std = None if self.noise_std is None else self.noise_std / _scale_factor(image)
        name = str(image.meta.get("filename_or_obj", "the image"))
        scan = AcquiredScan(image, mask, self.track, self.hermitian, self.use_phase, noise_std, name)
        return dict(data) | {"scan": scan}


def _scale_factor(image: torch.Tensor) -> float:
    """What :class:`ScaleMagnitude` divided the image by; 1 if it did not."""
    factors = [
        operation[TraceKeys.EXTRA_INFO]["factor"]
        for operation in getattr(image, "applied_operations", ())
        if operation.get(TraceKeys.CLASS_NAME) == ScaleMagnitude.__name__
    ]
    return float(math.prod(factors))
