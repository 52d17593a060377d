"""Numbers of the classical methods, cell by cell, by people who are not of the test; and how long they iterate."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.no_harm.methods import DENOISING, Classical, Network
from benchmarks.no_harm.scanning import Scanned
from benchmarks.result_files import write_json
from monai_gan_recon.measurement import magnitude
from monai_gan_recon.metrics import psnr_brain

CONVERGED_DB = 0.1
"""Twice the iterations change the mean PSNR less than this."""

MOST_ITERATIONS = 1600


def climb(score: Callable[[int], float], count: int, start: int) -> int:
    """The place of a maximum among ``count``, from ``start`` on uphill; of one that has a single maximum, the best."""
    scores: dict[int, float] = {}

    def of(place: int) -> float:
        if not 0 <= place < count:
            return float("-inf")
        if place not in scores:
            scores[place] = score(place)
        return scores[place]

    place = start
    while True:
        best = max((place, place + 1, place - 1), key=of)
        if best == place:
            return place
        place = best


def tune(method: Classical, people: Sequence[Scanned]) -> dict[str, Any]:
    """Find the number, whether the image is best taken to be real, and the iterations.

    Args:
        method: what to tune.
        people: slices to tune on.

    Returns:
        ``value``, ``real``, ``iterations``, ``psnr`` in the head in dB, ``doubling_db``: what twice the iterations
        change, and ``edge``: whether the best value is the last of those that were tried.
    """
    inputs = [(scanned, scanned.block()["input"]) for scanned in people]

    def score(value: float, real: bool, iterations: int) -> float:
        network = method.build(value, real, iterations)
        with torch.inference_mode():
            found = [(scanned, magnitude(network(x))) for scanned, x in inputs]
        return float(torch.cat([psnr_brain(image, s.reference, s.head) for s, image in found]).mean())

    start, best = method.start, (float("-inf"), 0.0, True)
    for real in (True, False) if people[0].track != "replica" else (True,):
        known: dict[int, float] = {}

        def at(place: int, real: bool = real, known: dict[int, float] = known) -> float:
            known[place] = score(method.values[place], real, method.iterations)
            return known[place]

        start = climb(at, len(method.values), start)
        best = max(best, (known[start], method.values[start], real))
    psnr, value, real = best
    iterations = method.iterations
    while True:
        longer = score(value, real, 2 * iterations)
        change = longer - psnr if method.truncated else abs(longer - psnr)
        if change < CONVERGED_DB or 2 * iterations >= MOST_ITERATIONS:
            break
        iterations, psnr = 2 * iterations, longer
    return {
        "value": value,
        "real": real,
        "iterations": iterations,
        "psnr": round(psnr, 3),
        "doubling_db": round(longer - psnr, 4),
        "edge": value in (method.values[0], method.values[-1]),
    }


def tune_denoising(network: Network, people: Sequence[Scanned]) -> dict[str, Any]:
    """Find the share of the estimated noise that is best taken out: ``value``, and the ``psnr`` in the head in dB."""
    scores = {
        share: float(torch.cat([psnr_brain(network(s, True, share), s.reference, s.head) for s in people]).mean())
        for share in DENOISING
    }
    value = max(DENOISING, key=scores.__getitem__)
    return {"value": value, "psnr": round(scores[value], 3)}


class Tuned:
    """Settings of all cells and methods in one JSON file, each found once.

    Args:
        file: of the settings.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.settings: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def get(self, cell: str, name: str, identity: str, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The setting of a method in a cell; found, and written, if there is none of this identity."""
        key = f"{cell} {name}"
        if self.settings.get(key, {}).get("identity") != identity:
            self.settings[key] = {**find(), "identity": identity}
            write_json(self.file, self.settings)
        return self.settings[key]
