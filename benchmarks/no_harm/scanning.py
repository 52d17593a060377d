"""A case scanned as a cell says: what was measured, and the fully sampled image that estimates are compared with."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import torch

from benchmarks.no_harm.cells import Cell
from benchmarks.no_harm.datasets import Case
from monai_gan_recon.measurement import (
    KData,
    calibrate,
    espirit_maps,
    estimate_noise_std,
    fft2c,
    sampling_mask,
)
from monai_gan_recon.metrics import brain_mask
from monai_gan_recon.simulation import Undersample, measured_block


@dataclass(frozen=True)
class Scanned:
    """A measurement and its truth.

    Attributes:
        data: what was measured of N slices, with the noise level that is known of it.
        reference: magnitude of the fully sampled image, (N, 1, H, W), its largest value about 1.
        head: bool (N, 1, H, W), where the object is.
        track: of the cell.
    """

    data: KData
    reference: torch.Tensor
    head: torch.Tensor
    track: str

    def block(self, estimated: bool = False, phase: bool = True, denoising: float = 1.0) -> dict[str, torch.Tensor]:
        """What a method is given, see :func:`monai_gan_recon.simulation.measured_block`.

        Args:
            estimated: the noise level as the product estimates it, instead of the known one.
            phase: a smooth phase is estimated and part of the operator; never on the replica track.
            denoising: share of the noise level that the method is told, as ``--denoising`` does.
        """
        data = self.data
        if estimated:
            noise = estimate_noise_std(data.kspace, data.mask).median()
            data = replace(data, noise_std=noise)
        data = replace(data, noise_std=denoising * data.noise_std)
        replica = self.track == "replica"
        return measured_block(data, real=replica, phase=phase and not replica)


def scan(case: Case, cell: Cell, seed: int) -> Scanned:
    """Scan the slices of a case; the same seed gives the same mask, phase and noise."""
    if cell.track == "raw":
        return _scan_raw(case, cell, seed)
    undersample = Undersample(cell.pattern, cell.rate, track=cell.track, snr=cell.snr, coils=cell.coils, seed=seed)
    volume = torch.tensor([case.signal])  # a volume of that mean
    data, target = undersample.measure(case.slices, case.name, case.numbers[0], volume)
    return _with_truth(data, target.abs(), cell.track)


def _scan_raw(case: Case, cell: Cell, seed: int) -> Scanned:
    """Leave samples out of prewhitened k-space; its noise level is known from all samples."""
    kspace = case.slices
    size = (kspace.shape[-2], kspace.shape[-1])
    everything = torch.ones(1, 1, *size, dtype=torch.bool)
    full = calibrate(kspace, everything, coils=max(cell.coils, 8), espirit=False)
    several = full.kspace.shape[1] > 1
    maps = espirit_maps(full.kspace, everything, float(full.noise_std[0])) if several else None
    image = KData(full.kspace, everything, maps).adjoint()
    scale = image.abs().amax()
    kspace, image, noise_std = full.kspace / scale, image / scale, full.noise_std / scale
    mask = sampling_mask(cell.pattern, size, cell.rate, seed=_mask_seed(case, seed))[None, None]
    if several and cell.coils == 1:
        kspace, maps = fft2c(image)[:, None], None
    elif several:
        maps = espirit_maps(kspace * mask, mask, float(noise_std[0]))
    return _with_truth(KData(kspace * mask, mask, maps, noise_std), image.abs(), cell.track)


def _mask_seed(case: Case, seed: int) -> int:
    return zlib.crc32(f"{case.name} {seed}".encode())


def _with_truth(data: KData, magnitude: torch.Tensor, track: str) -> Scanned:
    reference = magnitude[:, None]
    return Scanned(data, reference, brain_mask(reference), track)
