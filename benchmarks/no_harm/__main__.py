"""The command.

    python -m benchmarks.no_harm run --dataset_dir DATA --output_dir OUT --weights old=OLD.pt new=NEW.pt
    python -m benchmarks.no_harm report --dataset_dir DATA --output_dir OUT --weights old=OLD.pt new=NEW.pt

``run`` fills the cells (``--cells`` chooses some, ``cells`` lists them) and can be stopped and started again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.no_harm.cells import choose
from benchmarks.no_harm.methods import CLASSICAL, Weights
from benchmarks.no_harm.run import Run, run


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options and do what they say."""
    parser = argparse.ArgumentParser(prog="benchmarks.no_harm", description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["run", "report", "cells"])
    parser.add_argument("--dataset_dir", type=Path, default=Path(), help="folder of the data sets")
    parser.add_argument("--output_dir", type=Path, default=Path("outputs") / "no_harm")
    parser.add_argument("--weights", nargs="+", default=[], metavar="NAME=FILE[@SYSTEM.yaml]")
    parser.add_argument("--ours", help="name of the weights that are judged; default: the last")
    parser.add_argument("--cells", nargs="+", default=[], help="wildcards of cells' names; default: the table")
    parser.add_argument("--methods", nargs="*", choices=CLASSICAL, default=list(CLASSICAL))
    parser.add_argument("--slices", type=int, default=3, help="of each scan")
    parser.add_argument("--masks", type=int, default=1, help="draws of mask, phase and noise for each scan")
    parser.add_argument("--people", type=int, help="at most so many of a test set")
    parser.add_argument("--tuning_people", type=int, default=2, help="at most, one slice each")
    parser.add_argument(
        "--page", type=Path, help="report: also write the page and its pictures, such as docs/no_harm.md"
    )
    parser.add_argument("--results", type=Path, help="report: also write the table as JSON, into this folder")
    options = parser.parse_args(arguments)
    try:
        chosen = choose(options.cells)
        if options.command == "cells":
            print("\n".join(cell.name for cell in chosen))
            return
        weights = tuple(Weights.parse(text) for text in options.weights)
        names = [one.name for one in weights]
        ours = options.ours or (names[-1] if names else "")
        if len(set(names)) < len(names) or (ours and ours not in names):
            raise ValueError(f"--ours {options.ours}: the weights are {', '.join(names)}, each name once")
        counts = (options.slices, options.masks, options.people or 1, options.tuning_people)
        if min(counts) < 1:
            raise ValueError("--slices, --masks, --people and --tuning_people must be at least 1")
        task = Run(
            options.dataset_dir,
            options.output_dir,
            weights,
            tuple(options.methods),
            options.slices,
            options.masks,
            options.people,
            options.tuning_people,
        )
        if options.command == "run":
            run(task, chosen)
        else:
            from benchmarks.no_harm.report import report

            report(task, chosen, ours, options.page, options.results)
    except (ValueError, FileNotFoundError) as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
