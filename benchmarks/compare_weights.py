"""Compare two weights of one network in kinds of scan of the no-harm table, by all measures, people paired.

    python -m benchmarks.compare_weights --dataset_dir DATA --weights without=A.pt with=B.pt --cells "oasis-*snr20*"

Inside the head, the same slices, masks, phase and noise for both, the noise level as inference estimates it. Prints a
Markdown table: of each measure the first weights' mean over people, and what the second ones add, with its 95 %
confidence interval over people where there are several.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.no_harm.cells import Cell, choose
from benchmarks.no_harm.datasets import Case, cases
from benchmarks.no_harm.methods import Network, Weights
from benchmarks.no_harm.scanning import Scanned, scan
from benchmarks.no_harm.scores import slice_scores
from benchmarks.result_files import write_json
from monai_gan_recon.errors import exit_code
from monai_gan_recon.evaluation.statistics import mean_and_ci
from monai_gan_recon.evaluation.tables import markdown_table
from monai_gan_recon.metrics import hfen

MEASURES = {"psnr_head": ".2f", "ssim_head": ".4f", "haarpsi_head": ".4f", "vif_head": ".4f", "hfen_head": ".4f"}


def scores(network: Network, scanned: Scanned) -> dict[str, float]:
    """:data:`MEASURES` of a scan, means over its slices."""
    image = network(scanned, estimated=True)
    rows = slice_scores(image, scanned.reference, scanned.head)
    found = {name: float(np.mean([row[name] for row in rows])) for name in MEASURES if name != "hfen_head"}
    return found | {"hfen_head": float(hfen(image * scanned.head, scanned.reference * scanned.head).mean())}


def compare(cell: Cell, scans: Sequence[Case], networks: Sequence[Network]) -> dict[str, list[list[float]]]:
    """Of each measure the scores of both networks, a pair a person."""
    people: dict[str, list[list[dict[str, float]]]] = {}
    for case in scans:
        scanned = scan(case, cell, 0)
        people.setdefault(case.person, []).append([scores(network, scanned) for network in networks])
    return {
        name: [[float(np.mean([pair[i][name] for pair in pairs])) for i in (0, 1)] for pairs in people.values()]
        for name in MEASURES
    }


def line(cell: Cell, found: dict[str, list[list[float]]]) -> list[str]:
    """The cell's line of the table."""
    texts = [cell.title, str(len(found["psnr_head"]))]
    for name, style in MEASURES.items():
        before, after = np.array(found[name]).T
        change = mean_and_ci((after - before).tolist())
        text = f"{before.mean():{style}} {change['mean']:+{style}}"
        texts.append(text if change["ci95"] is None else f"{text} ± {change['ci95']:{style}}")
    return texts


def main(arguments: Sequence[str] | None = None) -> None:
    """Score, print the table and write the pairs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--dataset_dir", type=Path, default=os.environ.get("MONAI_GAN_RECON_DATA", "."), help="folder of the data sets")
    add("--weights", nargs=2, required=True, metavar="NAME=FILE[@SYSTEM.yaml]", help="the first is compared to")
    add("--cells", nargs="+", required=True, help="wildcards; python -m benchmarks.no_harm cells lists them")
    add("--slices", type=int, default=3, help="of each scan")
    add("--output", type=Path, help="JSON file of the pairs")
    options = parser.parse_args(arguments)
    weights = [Weights.parse(text) for text in options.weights]
    networks = [one.network() for one in weights]
    table, pairs = [["scan", "people", *(name.removesuffix("_head").upper() for name in MEASURES)]], {}
    for cell in choose(options.cells):
        found = compare(cell, cases(cell.dataset, options.dataset_dir, options.slices), networks)
        pairs[cell.name] = found
        table.append(line(cell, found))
        print(" | ".join(table[-1]), flush=True)
    print(markdown_table(table))
    if options.output is not None:
        write_json(options.output, {"weights": [one.name for one in weights], "slices": options.slices, "cells": pairs})


if __name__ == "__main__":
    sys.exit(exit_code(main))
