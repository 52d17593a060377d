"""What the user typed after ``python -m monai.bundle``, read as MONAI (by Python Fire) reads it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fire.parser import DefaultParseValue
from monai.bundle import ConfigParser

WORDS = {"true": True, "false": False, "null": None, "none": None}
_PROGRAM = ("monai", "bundle", "__main__.py")
_FLAG = re.compile(r"--|-[a-zA-Z](=|$)")
_NAMES_OF_RUN = (
    "run_id", "init_id", "final_id", "meta_file", "config_file", "logging_file", "tracking", "args_file",
)  # fmt: skip


@dataclass(frozen=True)
class Typed:
    """A command line of ``python -m monai.bundle``.

    Attributes:
        command: "run", "run_workflow", "ckpt_export", ...
        positional: arguments without a name, such as the run ID.
        options: text typed for each option, by its name; "#" in nested names is written "::".
    """

    command: str
    positional: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """Value of an option (number, list, True, None, string); None if it was not given.

        It is what MONAI gets, but for the words true, false and null, which MONAI takes for text. The file of
        ``--args_file`` gives the values that the command line itself does not.

        Raises:
            ValueError: for a text that Python cannot take apart.
        """
        if name in self.options:
            text = self.options[name]
            try:
                return WORDS[text.lower()] if text.lower() in WORDS else DefaultParseValue(text)
            except (TypeError, RecursionError, MemoryError):
                raise ValueError(f"--{name}: {text[:40]!r} is no word, number, list or dictionary") from None
        if name in _NAMES_OF_RUN[: len(self.positional)]:
            return DefaultParseValue(self.positional[_NAMES_OF_RUN.index(name)])
        return None if name == "args_file" else self.args_file().get(name)

    def args_file(self) -> dict[str, Any]:
        """Content of the file of ``--args_file``; empty without one."""
        file = self.value("args_file")
        return dict(ConfigParser.load_config_file(file)) if isinstance(file, str) else {}

    def config_files(self, option: str = "config_file") -> list[str]:
        """Files of ``--config_file``, or of ``--meta_file``, in the order in which they are merged."""
        files = self.value(option)
        if isinstance(files, str):
            return [files] if Path(files).is_file() else files.split(",")
        return [str(file) for file in files] if isinstance(files, (list, tuple)) else []


def typed(argv: Sequence[str] | None = None) -> Typed | None:
    """The command line of this process, or another program's; None if it is no ``python -m monai.bundle COMMAND``."""
    argv = sys.argv if argv is None else argv
    if len(argv) < 2 or Path(argv[0]).parts[-3:] != _PROGRAM:
        return None
    arguments = list(argv[2:])
    if "--" in arguments:  # what follows the last one is for Fire itself
        arguments = arguments[: len(arguments) - 1 - arguments[::-1].index("--")]
    positional: list[str] = []
    options: dict[str, str] = {}
    while arguments:
        argument = arguments.pop(0)
        if not _FLAG.match(argument):
            positional.append(argument)
            continue
        name, equals, value = argument.lstrip("-").partition("=")
        if not equals:
            value = arguments.pop(0) if arguments and not _FLAG.match(arguments[0]) else "True"
        options[name.replace("-", "_").replace("#", "::")] = value
    return Typed(argv[1].replace("-", "_"), tuple(positional), options)
