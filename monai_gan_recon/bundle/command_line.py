"""A strict ``python -m monai.bundle``: what MONAI accepts silently or runs as code ends here, in one line.

MONAI 1.6 takes any ``--name value`` into the configuration, known or not, and would run ``$...``, ``%...``, ``@...``
and ``_target_`` in it. Nothing of a configuration runs before its first ``$import``, so each of ours starts with one of
this package, under an id with a dash, which no option can replace: at that moment :func:`check_at_import` looks at
the command line, and ends the program if there is code in it. :func:`command_line`, as first step of ``initialize``,
checks the same for programs that import the package earlier. What MONAI does before it comes to any configuration's
content is out of reach: it ends with an error of its own for a nested option whose parent does not exist, or is a text
(``--netwrok#width 3``, ``--network#width 3``), opens the file of a value ``%FILE``, and imports the module of
``--workflow_name`` and of ``--_meta_ '$import MODULE'``. The command ``monai-gan-recon`` has none of these.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from monai.bundle import ConfigWorkflow, run
from monai.bundle.utils import DEFAULT_MLFLOW_SETTINGS

from monai_gan_recon.bundle.typed import Typed, typed
from monai_gan_recon.bundle.values import check_values, ids, load_configs, refuse_code, suggestion
from monai_gan_recon.errors import INTERRUPTED, TRACEBACK_ENV, one_line, tidy

_RUN, _WORKFLOW = inspect.signature(run).parameters, inspect.signature(ConfigWorkflow).parameters
MONAI_OPTIONS = {"bundle_root", "workflow_name", *_RUN, *_WORKFLOW} - {"override"}
"""Options of ``monai.bundle run`` itself."""


def command_line() -> None:
    """Make MONAI's command line strict: unknown options and code are refused, errors are one line.

    The words true, false and null, which MONAI takes for text, get their meaning. Acts only if this process is
    ``python -m monai.bundle run ...`` (or ``run_workflow``); from Python it does nothing. With the environment variable
    MONAI_GAN_RECON_TRACEBACK set, errors keep their traceback.

    Raises:
        ValueError: at the first option that the configuration does not have, or whose value is code or of another type.
    """
    line = typed()
    if line is None:
        return
    if not os.environ.get(TRACEBACK_ENV):
        sys.excepthook = _print_one_line
        for handler in (*logging.getLogger().handlers, logging.lastResort):
            if handler is not None and tidy not in handler.filters:
                handler.addFilter(tidy)
    _refuse_all_code(line)
    if line.command not in ("run", "run_workflow"):
        return
    check_options(line, load_configs(line.config_files()))
    workflow = _running()
    parser = None if workflow is None else workflow.parser
    for name in line.options:
        if parser is not None and name in parser and (value := line.value(name)) != parser[name]:
            if "::" in name:  # its value is in its parent's
                raise ValueError(f"--{name}: MONAI takes {line.options[name]!r} for text; write True or False")
            parser.ref_resolver.get_item(name).update_config(value)


def check_effect(reasons: Mapping[str, str | None]) -> None:
    """Refuse options that the user gave, on a command line or to :func:`open_bundle`, and that change nothing.

    Args:
        reasons: by option: why it has no effect on this input and with the other options; None if it has one.

    Raises:
        ValueError: for the first of them.
    """
    line = typed()
    given = getattr(_running(), "given", {} if line is None else _given(line))
    for name, value in given.items():
        if value is not None and (reason := reasons.get(name)):
            raise ValueError(f"--{name} has no effect here: {reason}; leave it out")


def check_at_import() -> None:
    """:func:`command_line` while a configuration imports this package, before anything of an option is run.

    MONAI swallows every Exception of an import, and would go on.

    Raises:
        SystemExit: 1 after one line, if an option is wrong.
    """
    try:
        command_line()
    except (ValueError, OSError) as error:
        if os.environ.get(TRACEBACK_ENV):
            traceback.print_exception(error)
        else:
            print(one_line(error), file=sys.stderr)
        raise SystemExit(1) from error


def _refuse_all_code(line: Typed) -> None:
    for name, value in _given(line).items():
        refuse_code(name, [value, line.options.get(name)])
    for text in line.positional:
        refuse_code("", text)


def _given(line: Typed) -> dict[str, Any]:
    """Values of the options, and of the file of ``--args_file``."""
    given = {name.replace("#", "::"): value for name, value in line.args_file().items()}
    return given | {name: line.value(name) for name in line.options}


def check_options(line: Typed, config: dict[str, Any]) -> None:
    """Compare a command line with the content of the configuration files; see :func:`command_line`."""
    if len(line.positional) > 1:
        extra = line.positional[1]
        raise ValueError(
            f'unexpected argument {extra!r}: options start with --, and lists are quoted: --size "[256,256]"'
        )
    tracking = DEFAULT_MLFLOW_SETTINGS["configs"] if "tracking" in line.options else ()
    check_values(_given(line), config, {*MONAI_OPTIONS, *tracking}, line.config_files())
    if (init_id := line.value("init_id")) not in (None, "initialize"):
        raise ValueError(f"--init_id {init_id}: the checks are in 'initialize', which cannot be left out")
    for file in line.config_files("meta_file"):
        if not Path(file).is_file():
            raise FileNotFoundError(f"--meta_file: there is no file {file!r}; check the path")
    for name in ("run_id", "final_id"):
        if (wanted := line.value(name)) is not None and str(wanted) not in (known := list(ids(config))):
            raise ValueError(
                f"nothing to run is called {wanted!r} in the configuration{suggestion(str(wanted), known)}"
            )


def _running() -> ConfigWorkflow | None:
    """The workflow that calls; an expression of a configuration has no other way to it."""
    frame = inspect.currentframe()
    while frame is not None:
        if isinstance(workflow := frame.f_locals.get("self"), ConfigWorkflow):
            return workflow
        frame = frame.f_back
    return None


def _print_one_line(kind: type[BaseException], error: BaseException, stack: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        raise SystemExit(INTERRUPTED)
    line = one_line(error)
    if line is None:
        sys.__excepthook__(kind, error, stack)
    else:
        print(line, file=sys.stderr)
