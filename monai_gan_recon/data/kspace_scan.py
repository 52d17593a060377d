"""Raw k-space as a scan: calibrated once, maps estimated slice by slice, undersampled on request."""

from __future__ import annotations

import logging
import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform

from monai_gan_recon.checks import check_counts, check_seed, check_switches
from monai_gan_recon.data.scans import known_noise_std
from monai_gan_recon.errors import about
from monai_gan_recon.io import RawScan, read_mask, read_raw
from monai_gan_recon.io.masks import mask_doubt
from monai_gan_recon.measurement import (
    KData,
    calibrate,
    check_axis,
    check_pattern,
    check_rate,
    coil_doubt,
    espirit_maps,
    remove_readout_oversampling,
    sampling_mask,
)
from monai_gan_recon.simulation import measured_block
from monai_gan_recon.vocabulary import MIN_SLICE_SIZE

logger = logging.getLogger(__name__)


class KSpaceScan:
    """Measured k-space of one or more coils.

    Once for the scan, readout oversampling is removed, coils are whitened and compressed, and the noise is estimated;
    sensitivities are estimated when a slice is asked for. Images are in the units of the prewhitened k-space, in which
    the noise has a standard deviation of about 1, divided by ``scale``.

    Args:
        raw: the scan as a file has it.
        mask: bool (H, W), samples of the file to use; None: all that were measured. Where all were measured, the image
            that the mask leaves out is known, and is the reference.
        maps: complex64 (slices, coils, H, W), sensitivities of the coils; None: those of the file, else ESPIRiT's.
        coils: largest number of virtual coils.
        noise_std: standard deviation of the noise of each of the real and imaginary parts of prewhitened k-space; None:
            estimated.
        phase: estimate a smooth phase from the centre of k-space and move it into the operator.
        cache_dir: folder to keep ESPIRiT's maps in.

    Raises:
        ValueError: if maps or mask do not fit, or there is no calibration centre and no maps.
    """

    def __init__(
        self,
        raw: RawScan,
        mask: torch.Tensor | None = None,
        maps: np.ndarray | None = None,
        coils: int = 8,
        noise_std: float | None = None,
        phase: bool = True,
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        kspace = torch.from_numpy(raw.kspace)
        measured = torch.from_numpy(np.ascontiguousarray(raw.sampled()))[:, None]
        maps = raw.maps if maps is None else maps
        given = None if maps is None else torch.from_numpy(np.ascontiguousarray(maps, dtype=np.complex64))
        if raw.readout and raw.readout_oversampling > 1:
            kspace = remove_readout_oversampling(kspace, raw.readout_oversampling)
            rows = kspace.shape[-2]
            measured = measured.any(dim=-2, keepdim=True).expand(-1, -1, rows, -1)
            if given is not None and given.shape[-2] != rows:
                start = (given.shape[-2] - rows) // 2
                given = given[..., start : start + rows, :]
        size = kspace.shape[-2:]
        if min(size) < MIN_SLICE_SIZE:
            least = f"{MIN_SLICE_SIZE} x {MIN_SLICE_SIZE}"
            raise ValueError(f"its slices have {size[0]} x {size[1]} pixels, at least {least} are needed")
        used = measured if mask is None else measured & mask
        if not bool(used.flatten(1).any(dim=1).all()):
            raise ValueError("the sampling mask leaves a slice without a single measured sample")
        noise = None if raw.noise is None else torch.from_numpy(raw.noise)
        calibrated = calibrate(kspace, used, noise, given, coils, espirit=False)
        self.kspace, self.maps = calibrated.kspace, calibrated.maps
        self.noise_std = calibrated.noise_std if noise_std is None else torch.full_like(calibrated.noise_std, noise_std)
        self.measured, self.used, self.phase, self.cache_dir = measured, used, phase, cache_dir
        self.known = mask is not None and bool(measured.all())
        slices, _, height, width = self.kspace.shape
        self.size, self.reference = (slices, height, width), None
        affine = raw.cropped_affine(height, width)
        self.affine = torch.eye(4) if affine is None else torch.from_numpy(affine)
        self.scale = float(torch.linalg.vector_norm(self.kspace, dim=1).amax()) / np.sqrt(height * width)

    def block(self, start: int, stop: int) -> dict[str, torch.Tensor]:
        """The measurement of some of the slices; see :class:`monai_gan_recon.data.scans.Scan`."""
        kspace, used = self.kspace[start:stop] / self.scale, self.used[start:stop]
        noise_std = self.noise_std[start:stop] / self.scale
        maps = None if self.maps is None else self.maps[start:stop]
        if maps is None and kspace.shape[1] > 1:
            maps = espirit_maps(kspace * used, used, float(noise_std.median()), cache_dir=self.cache_dir)
        data = KData(kspace * used, used, maps, noise_std)
        target = replace(data, kspace=kspace, mask=torch.ones_like(used)).adjoint() if self.known else None
        return measured_block(data, phase=self.phase, target=target)


class LoadKSpaced(MapTransform):
    """From the path of a raw file to a :class:`KSpaceScan` under ``scan``; the key gets a stand-in with its geometry.

    Args:
        keys: the one key that holds a path.
        axes: order of the axes, for files that do not say it, see :func:`monai_gan_recon.io.read_raw`.
        retrospective: leave samples out: by ``mask``, or else by ``pattern`` and ``rate``.
        mask: file of the sampling mask (lines, or (H, W)); None: by pattern and rate, or all that was measured.
        pattern: of :func:`monai_gan_recon.measurement.sampling_mask`, as ``rate``, ``axis`` and ``seed``.
        rate: see ``pattern``.
        axis: phase-encoding axis of patterns and masks of whole lines, -1 or -2.
        seed: see ``pattern``.
        maps: file of coil sensitivities, of a format of ``read_raw``.
        coils: of :class:`KSpaceScan`, as ``cache_dir``.
        noise_std: the same; "auto": estimated.
        use_phase: its ``phase``.
        cache_dir: see ``coils``.

    Raises:
        FileNotFoundError: if there is no such mask.
        ValueError: if an argument is wrong.
    """

    def __init__(
        self,
        keys: KeysCollection,
        axes: str | Sequence[str] | None = None,
        retrospective: bool = False,
        mask: str | os.PathLike[str] | None = None,
        pattern: str = "gaussian1d",
        rate: float = 0.25,
        axis: int = -1,
        seed: int = 0,
        maps: str | os.PathLike[str] | None = None,
        coils: int = 8,
        noise_std: float | str = "auto",
        use_phase: bool = True,
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(keys)
        check_pattern(pattern)
        check_rate(rate)
        check_axis(axis)
        check_seed(seed)
        check_counts(virtual_coils=coils)
        check_switches(retrospective=retrospective, use_phase=use_phase)
        if not isinstance(axes, (str, list, tuple, type(None))):
            raise ValueError(f"axes must be their names, such as coils,h,w, not {axes!r}")
        self.axes = axes if axes is None or isinstance(axes, str) else ",".join(map(str, axes))
        self.mask, self.maps = None if mask is None else read_mask(mask), maps
        self.pattern = (pattern, rate, axis, seed) if retrospective and mask is None else None
        self.axis = axis
        self.options: dict[str, Any] = {
            "coils": coils,
            "noise_std": known_noise_std(noise_std),
            "phase": use_phase,
            "cache_dir": cache_dir,
        }

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Read and calibrate the scan."""
        key = self.first_key(dict(data))
        path = Path(str(data[key]))
        raw = read_raw(path, self.axes)
        maps = None if self.maps is None else read_raw(self.maps, self.axes).kspace
        with about(path):
            mask = self._mask(raw)
            scan = KSpaceScan(raw, mask, maps, **self.options)
        middle = scan.size[0] // 2
        if scan.maps is None and (doubt := coil_doubt(scan.kspace[middle], scan.used[middle])):
            logger.warning("%s: %s", path, doubt)
        if mask is not None and self.mask is not None:
            energy = scan.kspace[middle].abs().square().sum(dim=0)
            if doubt := mask_doubt(mask, energy, zero_filled=False):
                logger.warning("%s: %s", path, doubt)
        stand_in = torch.zeros(1).expand(1, *scan.size)
        image = MetaTensor(stand_in, affine=scan.affine, meta={"filename_or_obj": str(path)})
        return dict(data) | {key: image, "scan": scan, "three_d": not raw.readout}

    def _mask(self, raw: RawScan) -> torch.Tensor | None:
        height, width = raw.kspace.shape[2:]
        if raw.readout:
            height = round(height / raw.readout_oversampling)
        if self.mask is not None:
            lines = self.mask[None, :] if self.axis == -1 else self.mask[:, None]
            mask = lines if self.mask.ndim == 1 else self.mask
            if mask.ndim != 2 or any(n not in (1, m) for n, m in zip(mask.shape, (height, width), strict=True)):
                raise ValueError(f"the sampling mask {self.mask.shape} does not fit slices of {height} x {width}")
            return torch.from_numpy(np.broadcast_to(mask, (height, width)).copy())
        if self.pattern is None:
            return None
        pattern, rate, axis, seed = self.pattern
        return sampling_mask(pattern, (height, width), rate, axis, seed)
