"""Strict options: what MONAI's command line accepts silently or runs as code ends here, in one line.

MONAI 1.6 takes any ``--name value`` into the configuration, known or not; a value that starts with ``$`` is
run as code, with ``%`` replaced by another part of a configuration, with ``@`` by the object of that id.
:func:`check_command_line`, as first step of ``initialize``, comes before all of this but what MONAI does
while it reads the configuration, which no configuration can prevent: it ends with a KeyError for a nested
option whose parent does not exist (``--netwrok#width 3``), opens the file of a value ``%FILE``, and imports
the module of a value ``$import MODULE``. The check protects from mistakes, not from somebody who may choose
the whole command line.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from typing import Any

from fire.parser import DefaultParseValue
from monai.bundle import ConfigParser
from monai.bundle.utils import DEFAULT_MLFLOW_SETTINGS

from monai_gan_recon.bundle.command_line import CommandLine, command_line
from monai_gan_recon.bundle.failing import fail, report_uncaught_errors_in_one_line

MONAI_OPTIONS = frozenset(
    {
        "args_file",
        "bundle_root",
        "config_file",
        "final_id",
        "init_id",
        "logging_file",
        "meta_file",
        "properties_path",
        "run_id",
        "tracking",
        "workflow_name",
        "workflow_type",
    }
)
"""Options of ``monai.bundle run`` itself."""

_FIXED = ("imports", "initialize")
_PATH_ENDINGS = ("_dir", "_file", "_path", "_root", "weights")
_PATHS = ("datalist", "input", "mask", "phase")
_MEANING = {
    "$": "MONAI would run as code",
    "%": "MONAI would replace by a part of a configuration",
    "@": "MONAI would replace by another item of the configuration",
}


def check_command_line(paths: Collection[str] = _PATHS) -> None:
    """End with one line if the configuration lacks an option of the command line, or a value is code.

    Does nothing unless this process is ``python -m monai.bundle run ...`` (or ``run_workflow``). Afterwards,
    errors that the user can repair are printed as one line too, wherever they come from.

    Args:
        paths: options that are paths (no ``$`` in them), beside ..._dir, _file, _path, _root, weights.

    Raises:
        SystemExit: with the line.
    """
    line = command_line()
    if line is None or line.command not in ("run", "run_workflow"):
        return
    report_uncaught_errors_in_one_line()
    config = ConfigParser.load_config_files(line.config_files())
    check_options(line, config, paths)


def check_options(line: CommandLine, config: dict[str, Any], paths: Collection[str] = _PATHS) -> None:
    """Compare a command line with a configuration; see :func:`check_command_line`.

    Args:
        line: the command line.
        config: content of the configuration files, merged.
        paths: options that are paths.

    Raises:
        SystemExit: with one line, at the first option that is wrong.
    """
    if len(line.positional) > 1:
        extra = line.positional[1]
        fail(
            f'unexpected argument {extra!r}: options start with --, and lists are quoted: --size "[256,256]"'
        )
    known = list(ids(config))
    if "tracking" in line.options:
        known += DEFAULT_MLFLOW_SETTINGS["configs"]
    for name, value in line.args_file().items():
        _check_option(name.replace("#", "::"), "", value, known, paths)
    for name, text in line.options.items():
        _check_option(name, text, DefaultParseValue(text), known, paths)
    run_id = line.value("run_id")
    if run_id is not None and str(run_id) not in known:
        fail(f"nothing to run is called {run_id!r} in the configuration{_suggestion(str(run_id), known)}")


def ids(config: Any, prefix: str = "") -> Iterator[str]:
    """All ids of a configuration, nested ones as "network_def::in_channels" or "handlers::0"."""
    items = (
        config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    )
    for key, value in items:
        yield f"{prefix}{key}"
        yield from ids(value, f"{prefix}{key}::")


def _check_option(name: str, text: str, value: Any, known: Collection[str], paths: Collection[str]) -> None:
    typed = "--" + name.replace("::", "#")
    if name not in MONAI_OPTIONS and name not in known:
        fail(f"unknown option {typed}{_suggestion(name, known, '--')}")
    if name in _FIXED:
        fail(f"{typed} cannot be set on the command line: it loads and checks what the configuration needs")
    if value is None:
        fail(f"{typed}: MONAI ignores None and keeps the configuration's value; write null, or leave it out")
    is_path = name.endswith(_PATH_ENDINGS) or name in paths
    for string in dict.fromkeys((text, *strings(value))):
        sign = string[:1]
        if sign in _MEANING:
            fail(f"{typed}: {string!r} starts with {sign!r}, which {_MEANING[sign]}; write the value itself")
        if "#" in string:
            fail(f"{typed}: {string!r} contains '#', which MONAI does not keep as it is; choose another name")
        if is_path and "$" in string:
            fail(f"{typed}: {string!r} contains '$'; write the path itself")


def strings(value: Any) -> Iterator[str]:
    """All strings inside a value of lists, tuples and dictionaries."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from strings(item)


def _suggestion(name: str, known: Collection[str], prefix: str = "") -> str:
    options = [known_name for known_name in known if not known_name.startswith("_")]
    depth = name.count("::")
    near = difflib.get_close_matches(name, [n for n in options if n.count("::") == depth] or options, n=1)
    if near:
        return f"; did you mean {prefix}{near[0].replace('::', '#')}?"
    return "; the configuration file lists them all"
