"""The command ``monai-gan-recon``: its subcommands.

Each file adds subcommands to the parser. What they do is imported when they run, so that ``--help`` and usage errors
come at once; the work itself is done by functions of the library.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from monai_gan_recon import __version__
from monai_gan_recon.cli import analysis, bundles, data
from monai_gan_recon.errors import TRACEBACK_ENV, exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        arguments: without the program; None: those of this process.

    Returns:
        Exit code: 0; 1 with one line on stderr for an error that is the user's to repair; 130 for Ctrl-C.

    Raises:
        SystemExit: with 2 for wrong usage, 0 after ``--help``.
    """
    options = parser().parse_args(arguments)
    return exit_code(lambda: options.run(options))


def parser() -> argparse.ArgumentParser:
    """The parser with all subcommands."""
    result = argparse.ArgumentParser(
        prog="monai-gan-recon",
        description="Reconstruction of undersampled brain MRI, and what it does to the tissues.",
        epilog=f"Errors are one line; with {TRACEBACK_ENV}=1 they keep their traceback.",
    )
    result.add_argument("--version", action="version", version=__version__)
    commands = result.add_subparsers(metavar="COMMAND", required=True)
    for room in (data, analysis, bundles):
        room.add_commands(commands)
    return result
