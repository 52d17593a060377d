"""A strict ``python -m monai.bundle``: what MONAI accepts silently or runs as code ends here, in one line.

MONAI 1.6 takes any ``--name value`` into the configuration, known or not; a value that starts with ``$`` is run as
code, with ``%`` replaced by another part of a configuration, with ``@`` by the object of that id, and a dictionary with
``_target_`` is called. :func:`command_line`, as first step of ``initialize``, comes before all of this but what MONAI
does while it reads the configuration, which no configuration can prevent: it ends with a KeyError for a nested option
whose parent does not exist (``--netwrok#width 3``), opens the file of a value ``%FILE``, and imports the module of a
value ``$import MODULE``. The check protects from mistakes, not from somebody who may choose the whole command line.
"""

from __future__ import annotations

import difflib
import inspect
import logging
import os
import sys
from collections.abc import Collection, Iterator
from types import TracebackType
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow, run
from monai.bundle.utils import DEFAULT_MLFLOW_SETTINGS

from monai_gan_recon.bundle.typed import Typed, typed
from monai_gan_recon.errors import TRACEBACK_ENV, one_line

_RUN, _WORKFLOW = inspect.signature(run).parameters, inspect.signature(ConfigWorkflow).parameters
MONAI_OPTIONS = {"bundle_root", "workflow_name", *_RUN, *_WORKFLOW} - {"override"}
"""Options of ``monai.bundle run`` itself."""

_FIXED = ("imports", "initialize")
_MEANING = {
    "$": "MONAI would run as code",
    "%": "MONAI would replace by a part of a configuration",
    "@": "MONAI would replace by another item of the configuration",
    "_": "MONAI would build an object with",
}


def command_line() -> None:
    """Make MONAI's command line strict: unknown options and code are refused, errors are one line.

    The words true, false and null, which MONAI takes for text, get their meaning. Acts only if this process is
    ``python -m monai.bundle run ...`` (or ``run_workflow``); from Python it does nothing. With the environment variable
    MONAI_GAN_RECON_TRACEBACK set, errors keep their traceback.

    Raises:
        ValueError: at the first option that the configuration does not have, or whose value is code or of another type.
    """
    line = typed()
    if line is None or line.command not in ("run", "run_workflow"):
        return
    if not os.environ.get(TRACEBACK_ENV):
        sys.excepthook = _print_one_line
        for handler in (*logging.getLogger().handlers, logging.lastResort):
            if handler is not None:
                handler.addFilter(_is_news)
    check_options(line, ConfigParser.load_config_files(line.config_files()))
    parser = _running_parser()
    for name in line.options:
        if parser is not None and name in parser and (value := line.value(name)) != parser[name]:
            if "::" in name:  # its value is in its parent's
                raise ValueError(
                    f"--{name}: MONAI takes {line.options[name]!r} for text; write True or False"
                )
            parser.ref_resolver.get_item(name).update_config(value)


def check_options(line: Typed, config: dict[str, Any]) -> None:
    """Compare a command line with a configuration; see :func:`command_line`.

    Args:
        line: the command line.
        config: content of the configuration files, merged.

    Raises:
        ValueError: at the first option that is wrong.
    """
    if len(line.positional) > 1:
        extra = line.positional[1]
        raise ValueError(
            f'unexpected argument {extra!r}: options start with --, and lists are quoted: --size "[256,256]"'
        )
    known = list(ids(config))
    if "tracking" in line.options:
        known += DEFAULT_MLFLOW_SETTINGS["configs"]
    given = {name.replace("#", "::"): value for name, value in line.args_file().items()}
    for name, value in (given | {name: line.value(name) for name in line.options}).items():
        option = "--" + name.replace("::", "#")
        if name not in MONAI_OPTIONS and name not in known:
            raise ValueError(f"unknown option {option}{_suggestion(name, known, '--')}")
        if name in _FIXED:
            raise ValueError(
                f"{option} cannot be set: it loads and checks what the configuration needs; change a copy of the file"
            )
        refuse_code(option, [value, line.options.get(name)])
        _refuse_other_type(option, value, _find(config, name))
    run_id = line.value("run_id")
    if run_id is not None and str(run_id) not in known:
        raise ValueError(
            f"nothing to run is called {run_id!r} in the configuration{_suggestion(str(run_id), known)}"
        )


def refuse_code(option: str, value: Any) -> None:
    """Refuse a value that MONAI would not take as it is.

    Args:
        option: name for the message.
        value: text, number, or lists and dictionaries of them.

    Raises:
        ValueError: if a text in it starts with "$", "%" or "@" or has a "#", or a key starts with "_".
    """
    if isinstance(value, dict):
        for key in value:
            if str(key)[:1] in _MEANING:
                raise ValueError(f"{option}: {key!r}, {_MEANING[str(key)[0]]}; write values only")
    if isinstance(value, (dict, list, tuple, set)):
        for item in value.values() if isinstance(value, dict) else value:
            refuse_code(option, item)
    if isinstance(value, str):
        if value[:1] in ("$", "%", "@"):
            raise ValueError(
                f"{option}: {value!r} starts with {value[0]!r}, which {_MEANING[value[0]]}; write the value itself"
            )
        if "#" in value:
            raise ValueError(
                f"{option}: {value!r} contains '#', which MONAI does not keep as it is; choose another name"
            )


def ids(config: Any, prefix: str = "") -> Iterator[str]:
    """All ids of a configuration, nested ones as "network_def::in_channels" or "handlers::0"."""
    items = (
        config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    )
    for key, value in items:
        yield f"{prefix}{key}"
        yield from ids(value, f"{prefix}{key}::")


def _find(config: Any, name: str) -> Any:
    """What the configuration has under an id; None for MONAI's own options."""
    for key in name.split("::"):
        try:
            config = config[int(key) if isinstance(config, list) else key]
        except (KeyError, TypeError):  # a key written "a#b" in the file
            return None
    return config


def _refuse_other_type(option: str, value: Any, configured: Any) -> None:
    """Nobody else checks that a switch is one."""
    if isinstance(configured, bool) and not isinstance(value, bool):
        raise ValueError(f"{option}: say true or false, not {value!r}")
    if isinstance(configured, (int, float)) and isinstance(value, (str, list, dict, tuple)):
        raise ValueError(f"{option}: write a number, not {value!r}")


def _running_parser() -> ConfigParser | None:
    """The parser of the workflow that calls; an expression of a configuration has no other way to it."""
    frame = inspect.currentframe()
    while frame is not None:
        if isinstance(workflow := frame.f_locals.get("self"), ConfigWorkflow):
            return workflow.parser
        frame = frame.f_back
    return None


def _suggestion(name: str, known: Collection[str], prefix: str = "") -> str:
    options = [known_name for known_name in known if not known_name.startswith("_")]
    depth = name.count("::")
    near = difflib.get_close_matches(name, [n for n in options if n.count("::") == depth] or options, n=1)
    if near:
        return f"; did you mean {prefix}{near[0].replace('::', '#')}?"
    return "; the configuration file lists them all"


def _is_news(record: logging.LogRecord) -> bool:
    """Not Ignite's line about an exception, which is raised and printed all the same."""
    return "terminating due to exception" not in record.getMessage()


def _print_one_line(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    line = "interrupted" if issubclass(kind, KeyboardInterrupt) else one_line(error)
    if line is None:
        sys.__excepthook__(kind, error, traceback)
    else:
        print(line, file=sys.stderr)
