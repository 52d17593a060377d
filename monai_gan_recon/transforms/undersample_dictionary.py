"""Dictionary forms of undersampling: the same every time for evaluation, random for training."""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_gan_recon.kspace import check_pattern, check_rate, sampling_mask
from monai_gan_recon.transforms.phase_noise import noise_sigma, smooth_phase
from monai_gan_recon.transforms.undersample import Acquisition, Undersample, acquire
from monai_gan_recon.vocabulary import TRACKS


class Undersampled(MapTransform):
    """Dictionary form of :class:`Undersample`, adding ``input``, ``zero_filled``, ``mask`` and ``target``.

    The reference stays under its own key and is repeated as ``target``. The mask, phase and noise depend on the seed
    and on the case's name under ``case_key``.

    Args:
        keys: the one key of the magnitude image, (1, H, W) or (1, N, H, W).
        case_key: key of the case's name.
        allow_missing_keys: see MONAI's ``MapTransform``.
        kwargs: arguments of :class:`Undersample`.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        case_key: str = "case",
        allow_missing_keys: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.case_key = case_key
        self.undersample = Undersample(**kwargs)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the acquisition to the dictionary."""
        result = dict(data)
        for key in self.key_iterator(result):
            _add(result, key, self.undersample(data[key], str(data.get(self.case_key, ""))))
        return result


class RandUndersampled(RandomizableTransform, MapTransform):
    """Undersample each training image in its own way: random rate, pattern, axis and track.

    Args:
        keys: the one key of the magnitude image (1, H, W).
        rates: smallest and largest rate; drawn log-uniformly, so that low rates, the hard ones, come more often.
        patterns: sampling patterns to choose from.
        pattern_probabilities: their probabilities; None: equal.
        axes: phase-encoding axes to choose from, -1 (columns) and -2 (rows).
        simulated_probability: probability of the simulated track; the others are of the replica track.
        snr: smallest and largest SNR of the simulated track, drawn log-uniformly.
        hermitian_probability: probability, on the replica track, that the input is completed by Hermitian symmetry.
        channels: 3 (real, imaginary, weight) or 1 (magnitude) channels of network input.
        measure_once: draw from the slice's own name (``case``, ``plane`` and ``slice``), so that each slice is
            measured once, the same way in every epoch. Else it is measured anew in every epoch.
        allow_missing_keys: see MONAI's ``MapTransform``.

    Raises:
        ValueError: for an unknown pattern, a rate outside (0, 1], or probabilities that do not fit the patterns.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        rates: Sequence[float] = (0.08, 0.55),
        patterns: Sequence[str] = ("gaussian1d",),
        pattern_probabilities: Sequence[float] | None = None,
        axes: Sequence[int] = (-1,),
        simulated_probability: float = 0.0,
        snr: Sequence[float] = (10.0, 60.0),
        hermitian_probability: float = 1.0,
        channels: int = 3,
        measure_once: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob=1.0)
        for pattern in patterns:
            check_pattern(pattern)
        if pattern_probabilities is not None:
            total = sum(pattern_probabilities)
            if len(pattern_probabilities) != len(patterns) or abs(total - 1) > 1e-6:
                raise ValueError(
                    f"pattern_probabilities must be {len(patterns)} numbers, one a pattern, of sum 1: "
                    f"got {list(pattern_probabilities)}; null: all patterns alike"
                )
        for rate in rates:
            check_rate(rate)
        self.rates, self.patterns, self.pattern_probabilities = (
            tuple(rates),
            tuple(patterns),
            pattern_probabilities,
        )
        self.axes, self.snr, self.channels = tuple(axes), tuple(snr), channels
        self.measure_once = measure_once
        self.simulated_probability, self.hermitian_probability = simulated_probability, hermitian_probability

    def randomize(self, data: Any | None = None) -> None:
        """Draw rate, pattern, axis, track and the seed of mask, phase and noise."""
        super().randomize(None)
        self.rate = float(np.exp(self.R.uniform(*np.log(self.rates))))
        self.pattern = str(self.R.choice(self.patterns, p=self.pattern_probabilities))
        self.axis = int(self.R.choice(self.axes))
        self.track = TRACKS[int(self.R.random() < self.simulated_probability)]
        self.drawn_snr = float(np.exp(self.R.uniform(*np.log(self.snr))))
        self.hermitian = self.track == "replica" and self.R.random() < self.hermitian_probability
        self.seed = int(self.R.randint(2**31 - 1))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the acquisition to the dictionary."""
        result = dict(data)
        if self.measure_once:
            name = " ".join(str(data[key]) for key in ("case", "plane", "slice"))
            self.set_random_state(seed=zlib.crc32(name.encode()))
        self.randomize()
        for key in self.key_iterator(result):
            image: torch.Tensor = data[key]
            rng = np.random.default_rng(self.seed)
            size = (image.shape[-2], image.shape[-1])
            mask = sampling_mask(self.pattern, size, self.rate, self.axis, rng)
            simulated = self.track == "simulated"
            phase = smooth_phase(size, rng) if simulated else None
            sigma = noise_sigma(image, self.drawn_snr) if simulated else 0.0
            _add(result, key, acquire(image, mask, phase, sigma, rng, self.hermitian, self.channels))
        return result


def _add(result: dict[Hashable, Any], key: Hashable, acquisition: Acquisition) -> None:
    result.update(acquisition._asdict())
    result["target"] = result[key]
