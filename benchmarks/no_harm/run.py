"""Fill the table, method by method of each cell; what is finished is skipped."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from benchmarks.no_harm.cells import Cell
from benchmarks.no_harm.datasets import TEST_SETS, Case, cases
from benchmarks.no_harm.methods import (
    CLASSICAL,
    DENOISING,
    ESTIMATED,
    TUNED,
    ZERO_FILLED,
    Network,
    Weights,
    zero_filled,
)
from benchmarks.no_harm.scanning import Scanned, scan
from benchmarks.no_harm.scores import mean_score, slice_scores
from benchmarks.no_harm.tuning import Tuned, tune, tune_denoising
from benchmarks.result_files import write_json
from monai_gan_recon.measurement import magnitude

Method = Callable[[Scanned], torch.Tensor]


@dataclass
class Run:
    """What is run where.

    Attributes:
        data: folder of the data sets.
        output: folder of the results.
        weights: networks to try.
        methods: names of classical methods.
        slices: of each scan.
        masks: draws of mask, phase and noise for each scan.
        people: most of a test set; None: all.
        tuning_people: most people that classical methods are tuned on, by one slice each.
    """

    data: Path
    output: Path
    weights: tuple[Weights, ...] = ()
    methods: tuple[str, ...] = tuple(CLASSICAL)
    slices: int = 3
    masks: int = 1
    people: int | None = None
    tuning_people: int = 2
    _scanned: tuple[Cell, list[tuple[Case, int, Scanned]]] | None = field(default=None, repr=False)

    @cached_property
    def networks(self) -> dict[str, Network]:
        """Of the weights, by name, each loaded once."""
        return {weights.name: weights.network() for weights in self.weights}

    @cached_property
    def tuned(self) -> Tuned:
        """Settings of the classical methods."""
        return Tuned(self.output / "tuning.json")

    def scans(self, cell: Cell) -> list[tuple[Case, int, Scanned]]:
        """Case, number of the mask, and measurement of all scans of a cell; those of the last cell are kept."""
        if self._scanned is None or self._scanned[0] != cell:
            cache = self.output / "slices"
            found = cases(cell.dataset, self.data, self.slices, people=self.people, cache=cache)
            scans = [(case, mask, scan(case, cell, mask)) for case in found for mask in range(self.masks)]
            self._scanned = cell, scans
        return self._scanned[1]

    def setting(self, cell: Cell, name: str) -> dict[str, Any]:
        """The setting of a classical method in a cell, tuned if need be."""
        method = CLASSICAL[name]
        identity = digest(asdict(cell), _set_of(cell), self.tuning_people, repr(method.build(*_first(name))))
        identity = digest(identity, method.values, method.start, method.iterations)

        return self.tuned.get(cell.name, name, identity, lambda: tune(method, self._to_tune_on(cell)))

    def denoising(self, cell: Cell, name: str, checksum: str) -> dict[str, Any]:
        """The share of the noise that some weights best take out in a cell, tuned if need be."""
        network = self.networks[name]
        identity = digest(asdict(cell), _set_of(cell), self.tuning_people, DENOISING, checksum, str(network.module))
        return self.tuned.get(cell.name, name, identity, lambda: tune_denoising(network, self._to_tune_on(cell)))

    def _to_tune_on(self, cell: Cell) -> list[Scanned]:
        cache = self.output / "slices"
        found = cases(cell.dataset, self.data, 1, tuning=True, people=self.tuning_people, cache=cache)
        return [scan(case, cell, seed=1000) for case in found]

    def names(self, cell: Cell) -> list[str]:
        """Columns of a cell: the methods that are tried in it."""
        classical = [name for name in self.methods if cell.coils >= CLASSICAL[name].least_coils]
        ends = {"replica": ("",), "raw": ("", ESTIMATED, TUNED)}.get(cell.track, ("", ESTIMATED))
        learned = [
            name + end for name, network in self.networks.items() for end in ends if network.denoises or end != TUNED
        ]
        return [ZERO_FILLED, *classical, *learned]

    def method(self, cell: Cell, name: str) -> tuple[Method, str, dict[str, Any]]:
        """A method, what tells it from others, and what is stated of it."""
        if name == ZERO_FILLED:
            return zero_filled, name, {}
        if name in CLASSICAL:
            stated = self.setting(cell, name)
            network = CLASSICAL[name].build(stated["value"], stated["real"], stated["iterations"])

            def classical(scanned: Scanned) -> torch.Tensor:
                with torch.inference_mode():
                    return magnitude(network(scanned.block()["input"]))

            return classical, repr(network), stated
        weights = next(w for w in self.weights if name in (w.name, w.name + ESTIMATED, w.name + TUNED))
        learned, estimated = self.networks[weights.name], name.endswith(ESTIMATED)
        checksum = hashlib.sha256(weights.file.read_bytes()).hexdigest()
        if name.endswith(TUNED):
            stated = self.denoising(cell, weights.name, checksum)
            share = stated["value"]
            identity = f"{learned.module} {checksum} {learned.phase} {share}"
            return lambda scanned: learned(scanned, True, share), identity, {"sha256": checksum, **stated}
        identity = f"{learned.module} {checksum} {learned.phase} {estimated}"
        return lambda scanned: learned(scanned, estimated), identity, {"sha256": checksum}

    def file(self, cell: Cell, name: str) -> Path:
        """Result of a method in a cell."""
        return (
            self.output / "cells" / cell.name / f"{name.replace(ESTIMATED, '-estimated').replace(TUNED, '-tuned')}.json"
        )

    def fill(self, cell: Cell, name: str) -> bool:
        """Score a method in a cell, unless that is done; whether it was to be done."""
        method, identity, stated = self.method(cell, name)
        found = digest(asdict(cell), _set_of(cell), self.slices, self.masks, self.people, identity)
        file = self.file(cell, name)
        if file.exists() and json.loads(file.read_text(encoding="utf-8"))["hash"] == found:
            return False
        start, rows = time.perf_counter(), []
        for case, mask, scanned in self.scans(cell):
            scores = slice_scores(method(scanned), scanned.reference, scanned.head)
            rows += [
                {"person": case.person, "case": case.name, "slice": number, "mask": mask, **values}
                for number, values in zip(case.numbers, scores, strict=True)
            ]
        seconds = round(time.perf_counter() - start, 1)
        content = {"hash": found, "cell": asdict(cell), "method": name, **stated, "seconds": seconds}
        write_json(file, {**content, "rows": rows})
        psnr = mean_score(rows)
        print(f"{cell.name}: {name} {psnr:.2f} dB in the head, {len(rows)} slices, {seconds:g} s", flush=True)
        return True


def run(options: Run, chosen: Sequence[Cell]) -> None:
    """Fill all methods of the chosen cells; one that fails leaves the others alone.

    Raises:
        ValueError: when all are done, if cells failed; what it was is printed.
    """
    failed = []
    for number, cell in enumerate(chosen, 1):
        try:
            done = [options.fill(cell, name) for name in options.names(cell)]
        except (ValueError, FileNotFoundError) as error:
            failed.append(cell.name)
            print(f"{cell.name}: {error}", flush=True)
            continue
        if not any(done):
            print(f"[{number}/{len(chosen)}] {cell.name}: finished already", flush=True)
    if failed:
        raise ValueError(f"{len(failed)} of {len(chosen)} cells failed: {', '.join(failed)}")


def digest(*parts: Any) -> str:
    """Hash of what JSON or ``str`` can write of things."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _first(name: str) -> tuple[float, bool, int]:
    method = CLASSICAL[name]
    return method.values[method.start], True, method.iterations


def _set_of(cell: Cell) -> dict[str, Any]:
    return asdict(TEST_SETS[cell.dataset])
