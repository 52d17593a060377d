"""Prepared arrays on disk, named by what made them: a training's memory does not grow with its data."""

from __future__ import annotations

import enum
import functools
import hashlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import CodeType
from typing import Any

import monai
import numpy as np
import torch

from monai_gan_recon.atomic import atomic_path

from .. import __version__


def describe(value: Any, _depth: int = 0) -> str:
    """Text that is the same for transforms built alike, in every process (``repr`` holds addresses).

    Random states and private attributes are left out; functions count by their code, tensors by their
    content, classes of this package also by the file that they are written in: a changed transform prepares them again.
    """
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, Path)):
        return repr(value)
    if _depth > 12:
        return type(value).__qualname__
    if isinstance(value, Mapping):
        return "{" + ",".join(sorted(f"{k!r}:{describe(v, _depth + 1)}" for k, v in value.items())) + "}"
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [describe(item, _depth + 1) for item in value]
        return "[" + ",".join(sorted(items) if isinstance(value, (set, frozenset)) else items) + "]"
    if isinstance(value, (np.ndarray, torch.Tensor)):
        array = np.asarray(value)
        return f"{array.dtype}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()}"
    if isinstance(value, (np.generic, np.dtype, torch.dtype)):
        return str(value)
    if isinstance(value, functools.partial):
        return f"partial{describe([value.func, value.args, value.keywords], _depth + 1)}"
    if hasattr(value, "__code__"):
        cells = [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
        held = [cells, value.__defaults__, value.__kwdefaults__, getattr(value, "__self__", None)]
        return f"{value.__qualname__}{_code(value.__code__)}{describe(held, _depth + 1)}"
    if isinstance(value, (type, enum.Enum)) or not hasattr(value, "__dict__"):
        return _without_address(value)
    state = {k: v for k, v in vars(value).items() if not k.startswith("_") and k != "R"}
    held_here = describe(state, _depth + 1) if state else _without_address(value)
    return f"{type(value).__module__}.{type(value).__qualname__}{_source(type(value))}{held_here}"


def _source(kind: type) -> str:
    if kind.__module__.partition(".")[0] != __package__.partition(".")[0]:
        return ""
    return hashlib.sha256(Path(inspect.getfile(kind)).read_bytes()).hexdigest()


def _without_address(value: Any) -> str:
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _code(code: CodeType) -> str:
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return f"{code.co_code!r}{code.co_names}{constants}"


def cache_key(entry: Mapping[str, Any], recipe: str) -> str:
    """Name for what ``recipe`` makes of an entry; another one when a file of the entry changes, or a version."""
    parts: list[Any] = [recipe, __version__, monai.__version__]
    for _, value in sorted(entry.items()):
        path = Path(str(value))
        if path.is_file():
            status = path.stat()
            parts += [path.absolute(), status.st_mtime_ns, status.st_size]
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:40]


def store(files: Sequence[Path], make: Callable[[], Iterable[np.ndarray]]) -> None:
    """Write the arrays that ``make`` gives as ``.npy`` files, each complete, unless all files are there and whole."""
    if all(_is_whole(file) for file in files):
        return
    for file, array in zip(files, make(), strict=True):
        with atomic_path(file) as temporary:
            np.save(temporary, np.ascontiguousarray(array))


def _is_whole(file: Path) -> bool:
    """Whether a file is there with its header and as many bytes as this says."""
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError):
        return False
    return isinstance(array, np.memmap) and file.stat().st_size == array.offset + array.nbytes
