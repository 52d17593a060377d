"""Retrospective undersampling for evaluation and inference: the same scan of a case every time."""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform

from monai_gan_recon.checks import check_counts, check_positive, check_seed, check_switches
from monai_gan_recon.measurement import (
    KData,
    check_axis,
    check_partial_fourier,
    check_pattern,
    check_rate,
    sampling_mask,
)
from monai_gan_recon.measurement.lines import centre_fraction_for
from monai_gan_recon.simulation.acquisition import acquire, complex_noise, measured_block, noise_std_for
from monai_gan_recon.simulation.coils import biot_savart_maps
from monai_gan_recon.simulation.phase import smooth_phase
from monai_gan_recon.vocabulary import MOST_COILS, TRACKS


class Undersample(Transform):
    """Scan slices of a magnitude volume: on the replica track as they are, else with phase, noise and coils.

    Args:
        pattern: sampling pattern, see :func:`monai_gan_recon.measurement.sampling_mask`.
        rate: fraction of k-space to sample, in (0, 1].
        axis: phase-encoding axis of the patterns of whole lines: -1 columns (W), -2 rows (H).
        track: "replica" (magnitude-retrospective: no phase, no noise) or "simulated" (complex-retrospective: smooth
            phase and complex noise before sampling).
        snr: simulated track: mean foreground magnitude over the noise's standard deviation in each of the real and
            imaginary parts; null: no noise.
        coils: simulated track: number of coils, an even ring of loops.
        hermitian: replica track: give the network the Hermitian completion of the measured samples (a real image's
            k-space is known at ``-k`` where it is at ``k``). The zero-filled image and the mask stay those measured.
        phase: simulated track: estimate the smooth phase from the centre of k-space and move it into the operator.
        centre_fraction: fully sampled centre; None: as in DAGAN's patterns.
        partial_fourier: fraction of k-space along ``axis`` that is sampled at all.
        seed: base of the random state; mask, phase and noise of a case depend on it and on the case's name.

    Raises:
        ValueError: for an unknown pattern or track, a rate outside (0, 1], an SNR or number of coils that is not above
            0, or coils on the replica track.
    """

    def __init__(
        self,
        pattern: str = "gaussian1d",
        rate: float = 0.1,
        axis: int = -1,
        track: str = "replica",
        snr: float | None = 20.0,
        coils: int = 1,
        hermitian: bool = True,
        phase: bool = True,
        centre_fraction: float | None = None,
        partial_fourier: float = 1.0,
        seed: int = 0,
    ) -> None:
        check_pattern(pattern)
        check_rate(rate)
        if track not in TRACKS:
            raise ValueError(f"track: {track!r} is unknown: choose one of {', '.join(TRACKS)}")
        check_axis(axis)
        check_partial_fourier(partial_fourier)
        check_switches(hermitian=hermitian, use_phase=phase)
        if snr is not None:
            check_positive(snr=snr)
        check_counts(coils=coils, most=MOST_COILS)
        if coils > 1 and track == "replica":
            raise ValueError(f"coils: {coils} do not go with the replica track; the simulated one takes several")
        check_seed(seed)
        centre_fraction_for(rate, centre_fraction)
        self.pattern, self.rate, self.axis, self.track = pattern, rate, axis, track
        self.snr, self.coils = snr, coils
        self.hermitian, self.phase, self.seed = hermitian, phase, seed
        self.centre_fraction, self.partial_fourier = centre_fraction, partial_fourier

    def __call__(
        self, slices: torch.Tensor, case: str = "", first: int = 0, volume: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Scan slices, see :meth:`measure`, and give what :func:`monai_gan_recon.simulation.measured_block` gives."""
        data, target = self.measure(slices, case, first, volume)
        simulated = self.track == "simulated"
        return measured_block(data, self.hermitian and not simulated, self.phase and simulated, target)

    def measure(
        self, slices: torch.Tensor, case: str = "", first: int = 0, volume: torch.Tensor | None = None
    ) -> tuple[KData, torch.Tensor]:
        """Scan slices.

        Args:
            slices: magnitudes (1, N, H, W), Min-Max scaled.
            case: name of the case: the same name gives the same mask, phase and noise.
            first: number of the first slice in its volume; the noise of a slice depends on it.
            volume: the whole volume, whose foreground the SNR refers to; None: the slices.

        Returns:
            The measurement (N, coils, H, W), and the complex images (N, H, W) that it is of.
        """
        image = torch.as_tensor(slices)[0].as_subclass(torch.Tensor).float()
        state = [self.seed, zlib.crc32(case.encode())]
        rng = np.random.default_rng(state)
        size = (image.shape[-2], image.shape[-1])
        mask = sampling_mask(self.pattern, size, self.rate, self.axis, rng, self.centre_fraction, self.partial_fourier)
        simulated = self.track == "simulated"
        phase = smooth_phase(size, rng) if simulated else None
        maps = biot_savart_maps(size, self.coils) if self.coils > 1 else None
        std = 0.0
        if simulated and self.snr is not None:
            std = noise_std_for(image if volume is None else torch.as_tensor(volume), self.snr)
        data, target = acquire(image, mask, phase, maps, 0.0)
        if std > 0:
            shape = (self.coils, *size)
            noise = [complex_noise(shape, std, np.random.default_rng([*state, first + i])) for i in range(len(image))]
            data = replace(data, kspace=data.kspace + torch.stack(noise) * data.mask, noise_std=std)
        return data, target


class Undersampled(MapTransform):
    """Dictionary form of :class:`Undersample` for one slice; adds ``input``, ``target``, ``zero_filled``, ``mask``.

    Args:
        keys: the one key of the magnitude image (1, H, W); ``case`` and ``slice`` are its case's name and its number.
        kwargs: arguments of :class:`Undersample`.
    """

    def __init__(self, keys: KeysCollection = "image", **kwargs: Any) -> None:
        super().__init__(keys)
        self.undersample = Undersample(**kwargs)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the scan to the dictionary."""
        result = dict(data)
        for key in self.key_iterator(result):
            case, number = str(data.get("case", "")), int(data.get("slice", 0))
            scan = self.undersample(torch.as_tensor(data[key])[:, None], case, number)
            result.update({name: value[0] for name, value in scan.items()})
        return result
