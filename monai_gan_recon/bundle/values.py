"""Values for a configuration that are never code: of a command line, of a Python call, of a manifest.

A MONAI configuration is code: a text that starts with ``$`` is run, ``%`` is replaced by a part of a file, ``@`` by the
object of that id, and a dictionary with ``_target_`` is called. What a user gives for one of its items is data, and is
set through this module, which refuses everything that MONAI would not take as it is.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

_MEANING = {
    "$": "MONAI would run as code",
    "%": "MONAI would replace by a part of a configuration",
    "@": "MONAI would replace by another item of the configuration",
    "_": "MONAI would build an object with",
}
_DEEP = 32
"""Most lists and dictionaries within each other."""


def refuse_code(option: str, value: Any, depth: int = 0) -> None:
    """Refuse a value that MONAI would run, or replace by something else.

    Args:
        option: name for the message.
        value: text, number, or lists and dictionaries of them.
        depth: lists and dictionaries around it.

    Raises:
        ValueError: if a text in it starts with "$", "%" or "@", a key with one of these, "_" or "+", or it is nested
            too deeply.
    """
    if depth > _DEEP:
        raise ValueError(f"{option}: more than {_DEEP} lists within each other; write a simpler value")
    if isinstance(value, Mapping):
        for key in value:
            first = str(key).lstrip("+")[:1]
            if first in _MEANING or str(key).startswith("+"):
                raise ValueError(
                    f"{option}: {key!r}, {_MEANING.get(first, 'MONAI would merge')}; write values only"
                )
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        for item in value.values() if isinstance(value, Mapping) else value:
            refuse_code(option, item, depth + 1)
    if isinstance(value, (str, os.PathLike)) and (first := str(value)[:1]) in ("$", "%", "@"):
        raise ValueError(
            f"{option}: {str(value)!r} starts with {first!r}, which {_MEANING[first]}; write the value itself, "
            f"and ./{first}... for a file of that name"
        )


def refuse_hash(option: str, value: Any) -> None:
    """Refuse a text with "#", which MONAI writes as "::" wherever it stands.

    Raises:
        ValueError: if there is one in a value.
    """
    if isinstance(value, str) and "#" in value:
        raise ValueError(
            f"{option}: {value!r} contains '#', which MONAI does not keep as it is; choose another name"
        )
    if isinstance(value, (Mapping, list, tuple)):
        for item in value.values() if isinstance(value, Mapping) else value:
            refuse_hash(option, item)


def refuse_name(option: str, name: str) -> None:
    """Refuse an option that says how MONAI builds an object, such as ``network_def#_target_``.

    Raises:
        ValueError: if a part of the name starts with "_" or "+".
    """
    if any(part.startswith(("_", "+")) for part in name.replace("#", "::").split("::")):
        raise ValueError(f"{option} says how MONAI builds an object; change a copy of the configuration file")


def ids(config: Any, prefix: str = "") -> Iterator[str]:
    """All ids of a configuration, nested ones as "network_def::in_channels" or "handlers::0"."""
    items = (
        config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    )
    for key, value in items:
        yield f"{prefix}{key}"
        yield from ids(value, f"{prefix}{key}::")


def suggestion(name: str, known: Collection[str], prefix: str = "") -> str:
    """End of the message about an unknown id: what was meant, perhaps."""
    options = [known_name for known_name in known if not known_name.startswith("_") and "-" not in known_name]
    depth = name.count("::")
    near = difflib.get_close_matches(name, [n for n in options if n.count("::") == depth] or options, n=1)
    if near:
        return f"; did you mean {prefix}{near[0].replace('::', '#')}?"
    return "; the configuration file lists them all"


def read_config(file: str | os.PathLike[str], **options: Any) -> ConfigParser:
    """Parser of a configuration with some of its items replaced by plain values.

    Args:
        file: YAML or JSON, which is code: take it from somebody you trust.
        options: by id, nested ones as "network_def#width"; never run.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for an item that the configuration does not have, or a value that MONAI would run.

    Example:
        >>> from monai_gan_recon.resources import bundle_path
        >>> file = bundle_path("brain_mri_gan_reconstruction") / "configs" / "inference.yaml"
        >>> read_config(file, rate=0.3).get_parsed_content("rate")
        0.3
    """
    if not Path(file).is_file():
        raise FileNotFoundError(f"{file}: no such configuration; give the folder of a bundle")
    content = ConfigParser.load_config_file(file)
    known = list(ids(content))
    parser = ConfigParser(content)
    for given, value in options.items():
        name = given.replace("#", "::")
        refuse_name(given, name)
        if name not in known:
            raise ValueError(f"{file}: has no option {given!r}{suggestion(name, known)}")
        refuse_code(given, value)
        refuse_hash(given, value)
        parser[name] = str(value) if isinstance(value, os.PathLike) else value
    return parser
