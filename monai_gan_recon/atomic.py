"""Files and folders that are there complete or not at all, several in one step; what killed programs left of them."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

NAME_BYTES = 255 - 64
"""Longest name of a file in bytes: file systems take 255, and temporary names are longer than final ones."""

_MACHINE = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
_PART = re.compile(r"\.(\d+)-([0-9a-f]{6})\.part\.")
_STARTED = time.time()
_OLD = ".old"
"""End of the name of what a result is about to replace."""


class WriteError(OSError):
    """A result cannot be written, in one line."""


@contextmanager
def atomic_paths(paths: Sequence[str | os.PathLike[str]]) -> Iterator[list[Path]]:
    """Temporary paths beside some paths, moved onto them when the block succeeds and removed when it fails.

    The first is moved last, and an old one of its name is set aside before the others are moved: where it is, the
    others of the same step are. A folder that the block makes replaces the one that is there;
    a file never replaces a folder. A temporary name ends like the path, so that writers who look at the suffix write
    the same format.

    Raises:
        ValueError: if a name is too long.
        WriteError: if a folder cannot be written or the disk is full. Other errors of the block stay as they are.
    """
    files = [Path(path) for path in paths]
    temporary = [_temporary(file) for file in files]
    made = [folder for file in files for folder in file.parents if not folder.exists()]
    try:
        with _told(files[0]):
            for file in files:
                file.parent.mkdir(parents=True, exist_ok=True)
        with _told(files[0], temporary):
            yield temporary
        with _told(files[0]):
            _move_all(files, temporary)
    finally:
        for written in set(temporary) - set(files):
            with suppress(OSError):
                _remove(written)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()  # if it is empty: nothing was written


@contextmanager
def _told(path: Path, mine: Sequence[Path] | None = None) -> Iterator[None]:
    """An error of writing as a line about ``path``; if ``mine`` is given, only one that is about these files."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        # numpy's "n requested and m written" has no number
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, None)
        about = str(error.filename or "")
        limit = error.errno == errno.EFBIG  # of the file system or the shell; without a name, too
        if mine is not None and not (full or limit or any(about.startswith(str(file)) for file in mine)):
            raise
        hint = "free some space" if full else "check the folder and its permissions"
        reason, path = error.strerror or str(error), Path(*(_PART.sub("", part) for part in path.parts))
        raise WriteError(f"{path}: cannot be written ({reason}); {hint}") from error


def _move_all(files: Sequence[Path], temporary: Sequence[Path]) -> None:
    """Move the files to their names, the first last; an old first one comes back if that fails."""
    for file, written in zip(files, temporary, strict=True):
        if file != written and file.is_dir() and not written.is_dir():
            raise IsADirectoryError(errno.EISDIR, "a folder has this name", str(file))
    first, old = files[0], None
    if first != temporary[0] and first.exists() and (len(files) > 1 or first.is_dir()):
        old = first.with_name(temporary[0].name + _OLD)
        os.replace(first, old)
    try:
        for file, written in reversed(list(zip(files, temporary, strict=True))):
            if file != written and file.is_dir():
                shutil.rmtree(file)
            os.replace(written, file)
    except OSError:
        if old is not None and not first.exists():
            os.replace(old, first)
        raise
    if old is not None:
        _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _temporary(file: Path) -> Path:
    if _PART.match(file.name):  # within another block, which moves it
        return file
    check_name(file)
    return file.with_name(f".{os.getpid()}-{_MACHINE}.part.{file.name}")


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """:func:`atomic_paths` for one path.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "new" / "a.txt"
        >>> with atomic_path(file) as temporary:
        ...     _ = temporary.write_text("all of it")
        >>> file.read_text()
        'all of it'
    """
    with atomic_paths([path]) as temporary:
        yield temporary[0]


def check_name(path: Path) -> None:
    """Raise a ValueError if the name of a file is too long for file systems."""
    size = len(os.fsencode(path.name))
    if size > NAME_BYTES:
        raise ValueError(f"{path}: its name has {size} bytes, at most {NAME_BYTES} are possible; shorten it")


def remove_leftovers(folder: str | os.PathLike[str]) -> list[Path]:
    """Remove temporary files and folders that killed programs of this machine left; those of live ones stay.

    What a killed program had set aside, to replace it, comes back if nothing is in its place.

    Returns:
        What was removed.
    """
    removed = []
    with suppress(OSError):
        for file in Path(folder).iterdir():
            found = _PART.match(file.name)
            if found and found[2] == _MACHINE and _is_dead(int(found[1]), file):
                with suppress(OSError):
                    target = file.with_name(file.name[found.end() :].removesuffix(_OLD))
                    if file.name.endswith(_OLD) and not target.exists():
                        os.replace(file, target)
                    else:
                        _remove(file)
                    removed.append(file)
    return removed


def _is_dead(pid: int, file: Path) -> bool:
    if pid == os.getpid():  # in a container each program may have the same number
        return file.lstat().st_mtime < _STARTED - 1
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False  # of another user
    return False
