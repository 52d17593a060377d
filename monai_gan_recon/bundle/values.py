"""Values for a configuration that are never code: of a command line, of a Python call, of a manifest.

A MONAI configuration is code: a text that starts with ``$`` is run, ``%`` is replaced by a part of a file, ``@`` by the
object of that id, and a dictionary with ``_target_`` is called. What a user gives for one of its items is data, and is
set through this module, which refuses everything that MONAI would not take as it is.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from monai.bundle import ConfigParser

from monai_gan_recon.checks import meant
from monai_gan_recon.resources import config_options
from monai_gan_recon.vocabulary import PATH_OPTIONS

_MEANING = {
    "$": "MONAI would run as code",
    "%": "MONAI would replace by a part of a configuration",
    "@": "MONAI would replace by another item of the configuration",
    "_": "MONAI would build an object with",
}
_FIXED = ("imports", "initialize", "check-options")
_LARGEST = 1e300
_DEEP = 32
"""Most lists and dictionaries within each other."""


def check_values(
    options: Mapping[str, Any],
    config: Any,
    also: Collection[str] = (),
    files: Iterable[str | os.PathLike[str]] = (),
) -> None:
    """Check values for items of a configuration: the one place for command lines, Python calls and settings.

    Args:
        options: by id, nested ones as "network_def::width".
        config: content of the configuration.
        also: further names that are known, such as MONAI's own options.
        files: of the configuration; where they list their options, what the configuration builds beside these (the
            network, the evaluator) takes no value.

    Raises:
        ValueError: for the first item that is not there or cannot be set, or whose value is code or of another type.
    """
    known = list(ids(config))
    listed = {option.name for option in config_options(files)} if options else set()
    for name, value in options.items():
        refuse_code(name, value)
        option = _option(name)
        if name not in known and name not in also:
            raise ValueError(f"unknown option {option}{suggestion(name, [*known, *also], '--')}")
        if name.partition("::")[0] in _FIXED:
            raise ValueError(
                f"{option} cannot be set: it loads and checks what the configuration needs; change a copy of the file"
            )
        _refuse_hash(option, value)
        configured, place = _find(config, name)
        if listed and place.partition("::")[0] not in listed and _is_built(configured):
            raise ValueError(f"{option} is no option: the configuration builds it; change a copy of the file")
        if name in PATH_OPTIONS:
            _refuse_no_path(option, value, configured)
        _refuse_other_type(option, value, configured)


def _option(name: str) -> str:
    return "--" + name.replace("::", "#")


def refuse_code(name: str, value: Any) -> None:
    """Refuse an option that MONAI would run, build an object with, or replace by something else.

    Args:
        name: of the option, nested ones as "network_def::width"; empty for an argument without a name.
        value: text, number, or lists and dictionaries of them.

    Raises:
        ValueError: if a text in it starts with "$", "%" or "@", a key with one of these, "_" or "+", it is nested too
            deeply, or a part of the name starts with "_" or "+".
    """
    if any(part.startswith(("_", "+")) for part in name.replace("#", "::").split("::")):
        raise ValueError(f"{_option(name)} says how MONAI builds an object; change a copy of the configuration file")
    _refuse_code(_option(name) if name else "argument", value, 0)


def _refuse_code(option: str, value: Any, depth: int) -> None:
    if depth > _DEEP:
        raise ValueError(f"{option}: more than {_DEEP} lists within each other; write a simpler value")
    if isinstance(value, Mapping):
        for key in value:
            first = str(key).lstrip("+")[:1]
            if first in _MEANING or str(key).startswith("+"):
                raise ValueError(f"{option}: {key!r}, {_MEANING.get(first, 'MONAI would merge')}; write values only")
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        for item in value.values() if isinstance(value, Mapping) else value:
            _refuse_code(option, item, depth + 1)
    if isinstance(value, (str, os.PathLike)) and (first := str(value)[:1]) in ("$", "%", "@"):
        raise ValueError(
            f"{option}: {str(value)!r} starts with {first!r}, which {_MEANING[first]}; write the value itself, "
            f"and ./{first}... for a file of that name"
        )


def _refuse_hash(option: str, value: Any) -> None:
    """MONAI writes "#" as "::" wherever it stands."""
    if isinstance(value, str) and "#" in value:
        raise ValueError(f"{option}: {value!r} contains '#', which MONAI does not keep as it is; choose another name")
    if isinstance(value, (Mapping, list, tuple)):
        for item in value.values() if isinstance(value, Mapping) else value:
            _refuse_hash(option, item)


def _find(config: Any, name: str) -> tuple[Any, str]:
    """What the configuration has under an id, None for MONAI's own options, and the id that it refers to in the end."""
    found = config
    for key in name.split("::"):
        try:
            found = found[int(key) if isinstance(found, list) else key]
        except (KeyError, TypeError):  # a key written "a#b" in the file
            return None, name
    if isinstance(found, str) and found.startswith("@") and (other := found[1:].replace("#", "::")) != name:
        return _find(config, other)
    return found, name


def _is_built(configured: Any) -> bool:
    """Whether it is, or has in it, what MONAI runs, replaces or builds an object of."""
    if isinstance(configured, Mapping):
        return "_target_" in configured or any(map(_is_built, configured.values()))
    if isinstance(configured, list):
        return any(map(_is_built, configured))
    return isinstance(configured, str) and configured[:1] in _MEANING


def _refuse_no_path(option: str, value: Any, configured: Any) -> None:
    may_be_null = configured is None or str(configured)[:1] in _MEANING
    if value is None and may_be_null:
        return
    if not isinstance(value, (str, os.PathLike)) or not str(value).strip():
        raise ValueError(f"{option}: {value!r} is no file or folder; write ./NAME for a name that looks like a number")


def _refuse_other_type(option: str, value: Any, configured: Any) -> None:
    """What is a switch, a number, a word, a list or a dictionary in the configuration stays one; null may be meant."""
    if isinstance(value, (int, float)) and not abs(value) <= _LARGEST:
        raise ValueError(f"{option}: write a finite number of fewer digits")
    if isinstance(configured, str) and configured[:1] in _MEANING:
        return
    none = type(None)
    for kind, allowed, what in (
        (bool, (bool,), "true or false"),
        ((int, float), (int, float, none), "a number"),
        (str, (str, int, float, os.PathLike, none), "a word"),
        (list, (list, tuple, none), "a list"),
        (dict, (dict,), "a dictionary"),
    ):
        if isinstance(configured, kind):
            word = isinstance(value, bool) and not isinstance(configured, (bool, str))
            if word or not isinstance(value, allowed):
                example = "" if isinstance(configured, (bool, dict)) else f", such as {configured!r}"
                raise ValueError(f"{option}: write {what}{example}, not {value!r}")
            return


def ids(config: Any, prefix: str = "") -> Iterator[str]:
    """All ids of a configuration, nested ones as "network_def::in_channels" or "handlers::0"."""
    items = config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    for key, value in items:
        yield f"{prefix}{key}"
        yield from ids(value, f"{prefix}{key}::")


def suggestion(name: str, known: Collection[str], prefix: str = "") -> str:
    """End of the message about an unknown id: what was meant, perhaps."""
    options = [known_name for known_name in known if not known_name.startswith("_") and "-" not in known_name]
    depth = name.count("::")
    near = meant(name, [n for n in options if n.count("::") == depth] or options)
    if near is not None:
        return f"; did you mean {prefix}{near.replace('::', '#')}?"
    return "; the configuration file lists them all"


def read_config(file: str | os.PathLike[str], **options: Any) -> ConfigParser:
    """Parser of a configuration with some of its items replaced by plain values, which are never run.

    Args:
        file: YAML or JSON, which is code: take it from somebody you trust.
        options: by id, nested ones as "network_def#width".

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for an item that the configuration does not have, or a value that MONAI would run.

    Example:
        >>> from monai_gan_recon.resources import bundle_path
        >>> file = bundle_path("brain_mri_gan_reconstruction") / "configs" / "inference.yaml"
        >>> read_config(file, rate=0.3).get_parsed_content("rate")
        0.3
    """
    content = load_configs([file])
    values = {name.replace("#", "::"): value for name, value in options.items()}
    check_values(values, content, files=[file])
    parser = ConfigParser(content)
    for name, value in values.items():
        parser[name] = str(value) if isinstance(value, os.PathLike) else value
    return parser


def load_configs(files: Sequence[str | os.PathLike[str]]) -> dict[str, Any]:
    """Content of configuration files, merged in this order.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if one is no YAML or JSON of items.
    """
    for file in files:
        if not Path(file).is_file():
            raise FileNotFoundError(f"{file}: no such configuration file; check the path")
    try:
        return dict(ConfigParser.load_config_files([str(file) for file in files]))
    except (ValueError, TypeError, AttributeError, RecursionError, yaml.YAMLError) as error:
        names = ", ".join(map(str, files))
        raise ValueError(f"{names}: no configuration of items such as 'rate: 0.1' ({str(error)[:200]})") from error
