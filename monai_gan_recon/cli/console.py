"""What a subcommand says: quiet by default, a summary at the end, JSON for machines, an exit code."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monai_gan_recon.errors import one_line, printable, tidy

EXIT_CODES = (
    "exit codes: 0 done; 1 an error in one line on stderr: bad data, a missing file, some of several volumes failed, "
    "problems in a manifest; 2 wrong usage; 130 interrupted by Ctrl-C; 141 nobody reads what is printed."
)


@dataclass
class Outcome:
    """What a subcommand did.

    Attributes:
        text: what to print at the end.
        files: what was written.
        data: further content of the JSON.
        code: exit code.
        timed: say how long it took, and where the files are.
    """

    text: str
    files: Sequence[Path] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    code: int = 0
    timed: bool = False


def common_options() -> argparse.ArgumentParser:
    """Options of every subcommand."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout, all else on stderr")
    parser.add_argument(
        "-v", "--verbose", action="count", default=0, help="log more; -vv: warnings of the frameworks too"
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Run a subcommand, print what it did, and give its exit code.

    With ``--json`` the object on stdout has ``command``, ``exit_code``, ``seconds``, ``files``, what the subcommand
    adds, or ``error``.
    """
    began, stdout = time.perf_counter(), sys.stdout
    report: dict[str, Any] = {"command": options.command, "exit_code": 1}
    with (
        contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext(),
        quiet(options.verbose),
    ):
        try:
            outcome: Outcome = options.run(options)
        except Exception as error:
            if options.json and (line := one_line(error)) is not None:
                print(json.dumps(report | {"error": line}), file=stdout)
            raise
    seconds = time.perf_counter() - began
    if options.json:
        files = {"seconds": round(seconds, 2), "files": [str(file) for file in outcome.files]}
        print(json.dumps(report | {"exit_code": outcome.code} | files | dict(outcome.data), default=str))
        return outcome.code
    print("\n".join(map(printable, outcome.text.split("\n"))))
    if outcome.timed:
        print(f"{seconds:.1f} s" + "".join(f"\n  {printable(file)}" for file in outcome.files))
    return outcome.code


@contextlib.contextmanager
def quiet(verbose: int) -> Iterator[None]:
    """Log this package's warnings (1: its news too; 2: what the frameworks say), to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s" if verbose < 2 else "%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(lambda record: verbose > 1 or record.name.startswith("monai_gan_recon."))
    handler.addFilter(tidy)
    root, own = logging.getLogger(), logging.getLogger("monai_gan_recon")
    monai = logging.getLogger("monai")
    before = root.handlers[:], own.level, monai.level
    monai.setLevel(logging.INFO if verbose > 1 else logging.ERROR)
    with warnings.catch_warnings():
        if verbose < 2:
            warnings.simplefilter("ignore")
        root.handlers[:] = [handler]
        own.setLevel(logging.INFO if verbose else logging.WARNING)
        try:
            yield
        finally:
            root.handlers[:] = before[0]
            own.setLevel(before[1])
            monai.setLevel(before[2])
