"""Checks that constructors share, each with one clear line."""

from __future__ import annotations

import difflib
import inspect
import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from monai_gan_recon.atomic import check_name, remove_leftovers

MOST_COUNT, MOST_NUMBER, MOST_SEED = 10**9, 1e30, 2**63 - 1
"""Largest counts, numbers (float32 holds them) and seeds."""


def home_expanded(path: str | os.PathLike[str]) -> Path:
    """A path with "~" and "~name" replaced; a ValueError if there is no such user, it is empty or has a NUL byte."""
    if not os.fspath(path):
        raise ValueError("'' is no file or folder; write . for the folder that you are in")
    if "\0" in os.fspath(path):
        raise ValueError(f"{os.fspath(path)!r}: no path, since it has a NUL byte")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path}: {error}; write ./~name for a folder of that name") from error


def check_output_dir(path: Any) -> Path:
    """Check that results can be written to a folder, which need not exist yet; remove what killed programs left there.

    Returns:
        The folder, absolute, "~" expanded.

    Raises:
        ValueError: if it is no path, a file, or not writable.
    """
    if not isinstance(path, (str, os.PathLike)) or not str(path).strip():
        raise ValueError(f"{path!r} is no folder for results; for a name that looks like a number write ./NAME")
    if str(path).lower().endswith((".nii", ".nii.gz", ".h5", ".mrd", ".dcm")):
        raise ValueError(f"{path}: results go into a folder, named after the input; give the folder's name")
    there = folder = home_expanded(path).absolute()
    check_name(folder)
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise ValueError(f"{path} cannot be a folder for results, since {there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(f"{path}: no permission to write to {there}")
    remove_leftovers(folder)
    return folder


def read_json(path: str | os.PathLike[str], what: str) -> dict[str, Any]:
    """Content of a JSON file that is an object; ``what`` says what it is not otherwise, for the message.

    Raises:
        ValueError: if it is no JSON object in UTF-8, has a name twice in one object, or is nested too deeply.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {what} (no valid JSON: {str(error)[:100]})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: {what} (no JSON object)")
    return content


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if twice := [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]:
        raise ValueError(f"the name {twice[0]!r} is there twice")
    return dict(pairs)


def check_exists(path: str | os.PathLike[str]) -> Path:
    """The path, if there is such a file or folder, or BART's pair of files of this name.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is a pipe or a device, which would never end.
    """
    found = home_expanded(path)
    check_file(found)
    if not found.exists() and not found.with_name(f"{found.name}.hdr").exists():
        raise FileNotFoundError(f"{path}: no such file or folder; check the path")
    return found


def check_file(path: Path) -> None:
    """Refuse what is there and cannot be read to its end, before it is opened.

    Raises:
        FileNotFoundError: if it is a link to nothing.
        ValueError: if it is a pipe, a socket or a device.
    """
    if path.is_symlink() and not path.exists():
        raise FileNotFoundError(
            f"{path}: is a link to a file that is not here; fetch it first (for example with `datalad get`)"
        )
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ValueError(f"{path}: is a pipe or a device; give a file or a folder")


def _is_number(value: Any) -> bool:
    real = isinstance(value, (int, float)) and not isinstance(value, bool)
    return real and -MOST_NUMBER <= value <= MOST_NUMBER  # NaN is not


def check_counts(least: int = 1, most: int = MOST_COUNT, **counts: Any) -> None:
    """Raise a ValueError that names the first of these (epochs, batch size, ...) that is no whole number in bounds.

    Where more than ``most`` would not fit into memory, this says so before memory is asked for.
    """
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or not least <= count <= most:
            raise ValueError(f"{name} must be a whole number from {least} to {most}, got {count!r}")


def check_numbers(least: float = 0.0, **numbers: Any) -> None:
    """Raise a ValueError that names the first of these (weights, ...) that is no number of at least ``least``."""
    for name, value in numbers.items():
        if not _is_number(value) or value < least:
            raise ValueError(f"{name} must be a number of at least {least:g}, got {value!r}")


def check_positive(**numbers: Any) -> None:
    """Raise a ValueError that names the first of these (learning rates, SNR, ...) that is no finite number above 0."""
    for name, value in numbers.items():
        if not _is_number(value) or not value > 0:
            raise ValueError(f"{name} must be a number above 0, got {value!r}")


def check_fractions(**fractions: Any) -> None:
    """Raise a ValueError that names the first of these that is no number from 0 to 1."""
    for name, value in fractions.items():
        if not _is_number(value) or not 0 <= value <= 1:
            raise ValueError(f"{name} must be a number from 0 to 1, got {value!r}")


def check_switches(**switches: Any) -> None:
    """Raise a ValueError that names the first of these that is neither true nor false."""
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise ValueError(f"{name}: say true or false, not {value!r}")


def check_range(**ranges: Any) -> None:
    """Raise a ValueError that names the first of these that is not [smallest, largest], two numbers above 0."""
    for name, value in ranges.items():
        two = list(value) if isinstance(value, (list, tuple)) else []
        if len(two) != 2 or not all(_is_number(n) and n > 0 for n in two) or two[0] > two[1]:
            raise ValueError(f"{name} must be [smallest, largest], two numbers above 0, got {value!r}")


def check_seed(seed: Any) -> None:
    """Raise a ValueError if a seed is no whole number that every generator takes."""
    check_counts(0, MOST_SEED, seed=seed)


def meant(name: str, known: Collection[str]) -> str | None:
    """The known name that a mistyped one was meant to be; None if none is near."""
    return next(iter(difflib.get_close_matches(name, known, n=1)), None)


def check_arguments(name: str, given: Any, function: Callable[..., Any]) -> None:
    """Raise a ValueError unless what is given for an option is a dictionary of arguments of a function or class."""
    known = list(inspect.signature(function).parameters)
    if not isinstance(given, Mapping) or not given or not set(given) <= set(known):
        raise ValueError(f"{name} must be a dictionary of {', '.join(known)}, got {given!r}")
