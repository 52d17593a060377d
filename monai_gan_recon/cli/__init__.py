"""The command ``monai-gan-recon``: its subcommands.

Each file adds subcommands to the parser. What they do is imported when they run, so that ``--help`` and usage errors
come at once; the work itself is done by functions of the library.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NoReturn

from monai_gan_recon import __version__
from monai_gan_recon.checks import meant
from monai_gan_recon.cli import analysis, bundles, data, node, workflows
from monai_gan_recon.cli.console import EXIT_CODES, common_options, run
from monai_gan_recon.errors import TRACEBACK_ENV, exit_code


class _Parser(argparse.ArgumentParser):
    _intermixed = False
    commands: Mapping[str, argparse.ArgumentParser] = {}
    """All subcommands, of one of them."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Of a subcommand: arguments may stand before, between and after options."""
        if self._subparsers is not None or self._intermixed:
            return super().parse_known_args(args, namespace)
        self._intermixed = True
        try:
            found, unknown = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._intermixed = False
        if unknown:
            self._refuse(unknown)
        return found, unknown

    def _refuse(self, unknown: Sequence[str]) -> NoReturn:
        """End with what was not understood, and which subcommand knows it, or what was meant, perhaps."""
        hint = ""
        for word in (word.partition("=")[0] for word in unknown if word.startswith("--")):
            others = [name for name, other in self.commands.items() if word in other._option_string_actions]
            near = meant(word, self._option_string_actions)
            known = f"did you mean {near}?" if near else ""
            known = f"{word} is an option of {', '.join(others)}" if others else known
            hint += f" ({known})" if known else ""
        self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")

    def error(self, message: str) -> NoReturn:
        """End with one line, not with the whole usage."""
        self.exit(2, f"{self.prog}: {message}; {self.prog} --help lists the options\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        arguments: without the program; None: those of this process.

    Returns:
        Exit code: 0; 1 with one line on stderr for an error that is the user's to repair; 130 for Ctrl-C.

    Raises:
        SystemExit: with 2 for wrong usage, 0 after ``--help``.
    """
    words = [_underscored(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    return exit_code(lambda: run(parser(_bundle(words)).parse_args(words)))


def parser(bundle: str | None = None) -> argparse.ArgumentParser:
    """The parser with all subcommands.

    Args:
        bundle: name or folder of the bundle whose options there are; None: the shipped one.
    """
    result = _Parser(
        prog="monai-gan-recon",
        description="Reconstruction of undersampled brain MRI, and what it does to the tissues. Not for diagnosis.",
        epilog=f"{EXIT_CODES} With {TRACEBACK_ENV}=1 errors keep their traceback.",
        allow_abbrev=False,
    )
    result.add_argument("--version", action="version", version=__version__)
    commands = result.add_subparsers(metavar="COMMAND", required=True, dest="command")
    shared = {"parents": [common_options()], "epilog": EXIT_CODES, "allow_abbrev": False}
    for room in (workflows, node):
        room.add_commands(commands, bundle, **shared)
    for room in (data, analysis, bundles):
        room.add_commands(commands, **shared)
    for command in commands.choices.values():
        command.commands = commands.choices
    return result


def _underscored(word: str) -> str:
    """``--save-error-map`` as ``--save_error_map``; but ``--no-`` is what switches are turned off by."""
    found = re.match(r"(--(?:no-)?)([a-z][\w-]*)(.*)", word, re.DOTALL)
    return found[1] + found[2].replace("-", "_") + found[3] if found else word


def _bundle(words: Sequence[str]) -> str | None:
    """What ``--bundle`` says: the options are those of its configurations."""
    for word, following in pairwise([*words, None]):
        if word is not None and word.partition("=")[0] == "--bundle":
            return following if word == "--bundle" else word.partition("=")[2]
    return None
