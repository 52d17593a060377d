"""Random scans for training: every batch another kind of scan, every slice another scan of that kind."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms import Randomizable

from monai_gan_recon.checks import check_counts, check_fractions, check_range, check_switches
from monai_gan_recon.measurement import KData, check_pattern, check_rate, pack, sampling_mask, to_channels
from monai_gan_recon.simulation.acquisition import acquire, informed, noise_std_for
from monai_gan_recon.simulation.coils import measured_maps, perturbed, random_maps
from monai_gan_recon.simulation.phase import random_phase
from monai_gan_recon.vocabulary import MOST_COILS


class RandomScans(Randomizable):
    """Collate function of a data loader: magnitude slices in, a batch of simulated scans of one kind out.

    Drawn for the batch: replica track or with phase, the number of coils, lines or points, whether the phase is known.
    Drawn for each slice: pattern, rate, partial Fourier, SNR, phase and sensitivities. ``drawn`` holds what the last
    batch got. Everything depends on the slices' own seeds, so that a resumed training goes on alike.

    Args:
        rates: smallest and largest rate; drawn log-uniformly, so that low rates, the hard ones, come more often.
        lines: patterns of whole lines and their probabilities.
        points: patterns of points and their probabilities.
        points_probability: probability of a batch of points.
        partial_fourier_probability: probability that a pattern of lines loses up to 45 % of one side.
        replica_probability: probability of a batch of the replica track: no phase, no noise, one coil.
        hermitian_probability: probability, on the replica track, of completion by Hermitian symmetry.
        coils: largest number of coils.
        multi_coil_probability: probability of 2 coils or more in a batch that has phase.
        coil_maps: file of measured sensitivities, used half of the time; None: the analytic array alone.
        snr: smallest and largest SNR, drawn log-uniformly.
        exact_probability: probability of no noise, of scans with phase.
        phase_known: probability that the smooth phase is estimated and moved into the operator.
        measure_once: each slice is measured once, the same way in every epoch, and the batch has no ``target``: for
            training without references. It needs scans of one kind, such as the replica track and lines.

    Raises:
        FileNotFoundError: if there is no file of sensitivities.
        ValueError: for an unknown pattern, a rate outside (0, 1], probabilities that do not add up, a file of fewer
            coils, or ``measure_once`` with several kinds of scans.
    """

    def __init__(
        self,
        rates: Sequence[float] = (0.08, 0.67),
        lines: Mapping[str, float] | None = None,
        points: Mapping[str, float] | None = None,
        points_probability: float = 0.25,
        partial_fourier_probability: float = 0.1,
        replica_probability: float = 0.25,
        hermitian_probability: float = 0.85,
        coils: int = 8,
        multi_coil_probability: float = 0.35,
        coil_maps: str | os.PathLike[str] | None = None,
        snr: Sequence[float] = (3.0, 100.0),
        exact_probability: float = 0.1,
        phase_known: float = 0.85,
        measure_once: bool = False,
    ) -> None:
        lines, points = lines or {"gaussian1d": 1.0}, points or {"gaussian2d": 1.0}
        self.patterns = (dict(lines), dict(points))
        for name, patterns in (("lines", lines), ("points", points)):
            for pattern in patterns:
                check_pattern(pattern)
            check_fractions(**{f"{name} {pattern}": share for pattern, share in patterns.items()})
            if abs(sum(patterns.values()) - 1) > 1e-6:
                raise ValueError(f"{name}: the probabilities of the patterns must add up to 1, got {patterns}")
        check_range(rates=rates, snr=snr)
        for rate in rates:
            check_rate(rate)
        check_fractions(
            points_probability=points_probability,
            partial_fourier_probability=partial_fourier_probability,
            replica_probability=replica_probability,
            hermitian_probability=hermitian_probability,
            multi_coil_probability=multi_coil_probability,
            exact_probability=exact_probability,
            phase_known=phase_known,
        )
        check_counts(coils=coils, most=MOST_COILS)
        check_switches(measure_once=measure_once)
        self.rates, self.snr, self.coils = tuple(rates), tuple(snr), coils
        self.points_probability = points_probability
        self.partial_fourier_probability = partial_fourier_probability
        self.replica_probability, self.hermitian_probability = replica_probability, hermitian_probability
        self.multi_coil_probability, self.exact_probability = multi_coil_probability, exact_probability
        self.phase_known, self.measure_once = phase_known, measure_once
        self.measured = None if coil_maps is None else measured_maps(coil_maps)
        if self.measured is not None and len(self.measured) < self.coils:
            raise ValueError(f"{coil_maps} holds {len(self.measured)} coils, fewer than coils: {self.coils}")
        drawn = (points_probability, replica_probability, phase_known if replica_probability < 1 else 1)
        if measure_once and (any(0 < p < 1 for p in drawn) or (replica_probability < 1 and self.coils > 1)):
            raise ValueError(
                "measure_once needs scans of one kind: set points_probability, replica_probability and phase_known to "
                "0 or 1, and coils to 1 if there is phase"
            )
        self.drawn: dict[str, Any] = {}

    def randomize(self, data: Any | None = None) -> None:
        """Draw the kind of scan of a batch."""
        replica = bool(self.R.random() < self.replica_probability)
        several = self.R.random() < self.multi_coil_probability and not replica and self.coils > 1
        self.drawn = {
            "track": "replica" if replica else "simulated",
            "coils": int(self.R.randint(2, self.coils + 1)) if several else 1,
            "points": bool(self.R.random() < self.points_probability),
            "phase_known": bool(self.R.random() < self.phase_known),
            "slices": [],
        }

    def __call__(self, items: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Scan the slices.

        Args:
            items: dictionaries with ``image``, magnitude (1, H, W) of one size, ``seed``, and for ``measure_once``
                ``case``, ``plane`` and ``slice``.

        Returns:
            ``input``, see :func:`monai_gan_recon.measurement.pack`, (B, 4 + 2 C, H, W), and unless ``measure_once``
            ``target``, real and imaginary part of the image to find, (B, 2, H, W).
        """
        self.set_random_state(seed=int(items[0]["seed"]) % 2**32)
        self.randomize()
        scans = [self._scan(item) for item in items]
        keys = ("input",) if self.measure_once else ("input", "target")
        return {key: torch.stack([scan[key] for scan in scans]) for key in keys}

    def _scan(self, item: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        name = " ".join(str(item[key]) for key in ("case", "plane", "slice")) if self.measure_once else ""
        rng = np.random.default_rng(zlib.crc32(name.encode()) if name else [1, int(item["seed"])])
        image: torch.Tensor = item["image"][0]
        size = (image.shape[-2], image.shape[-1])
        patterns = self.patterns[self.drawn["points"]]
        drawn: dict[str, Any] = {
            "pattern": str(rng.choice(list(patterns), p=list(patterns.values()))),
            "rate": float(np.exp(rng.uniform(*np.log(self.rates)))),
            "partial_fourier": 1.0,
            "snr": float("inf"),
        }
        if not self.drawn["points"] and rng.random() < self.partial_fourier_probability:
            drawn["partial_fourier"] = float(rng.uniform(0.55, 0.9))
        mask = sampling_mask(drawn["pattern"], size, drawn["rate"], seed=rng, partial_fourier=drawn["partial_fourier"])
        self.drawn["slices"].append(drawn)
        if self.drawn["track"] == "replica":
            data, target = acquire(image, mask)
            data, _ = informed(data, real=rng.random() < self.hermitian_probability)
            return {"input": pack(data), "target": to_channels(target)}
        if rng.random() >= self.exact_probability:
            drawn["snr"] = float(np.exp(rng.uniform(*np.log(self.snr))))
        maps = None
        if self.drawn["coils"] > 1:
            measured = self.measured if rng.random() < 0.5 else None
            maps = random_maps(size, self.drawn["coils"], rng, measured)
        noise_std = noise_std_for(image, drawn["snr"])
        data, target = acquire(image, mask, random_phase(size, rng), maps, noise_std, rng)
        if data.maps is not None:
            data = KData(data.kspace, data.mask, self._estimated(data.maps, image, rng), data.noise_std)
        data, factor = informed(data, phase=self.drawn["phase_known"], phase_width=float(rng.uniform(0.012, 0.035)))
        return {
            "input": pack(data),
            "target": to_channels(target if factor is None else target * factor.conj()),
        }

    def _estimated(self, maps: torch.Tensor, image: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """Maps as they are estimated: with an error, and half of the time with nothing where there is no object."""
        maps = perturbed(maps, float(rng.exponential(0.01)), rng)
        if rng.random() < 0.5:
            blurred = torch.nn.functional.avg_pool2d(image[None, None], 9, 1, 4)[0, 0]
            maps = maps * (blurred > 0.02 * image.max())
        return maps
