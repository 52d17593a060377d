"""Words of the command line: it gives "true", "false" and "null" as text."""

from __future__ import annotations

from typing import Any

_WORDS = {"true": True, "false": False, "null": None, "none": None}


def plain(value: Any) -> Any:
    """Meaning of "true", "false" and "null", which the command line gives as text; all else unchanged."""
    return _WORDS.get(value.strip().lower(), value) if isinstance(value, str) else value


def flag(value: Any, name: str) -> bool:
    """A switch of the command line.

    Args:
        value: true or false, or these words.
        name: of the option, for the message.

    Raises:
        ValueError: for anything else.
    """
    meaning = plain(value)
    if not isinstance(meaning, bool):
        raise ValueError(f"--{name}: say true or false, not {value!r}")
    return meaning
