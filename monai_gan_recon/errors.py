"""What an error says to a user, and how a command ends with it."""

from __future__ import annotations

import errno
import logging
import os
import re
import struct
import sys
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")

TRACEBACK_ENV = "MONAI_GAN_RECON_TRACEBACK"
"""Environment variable: if set, the command lines show tracebacks in place of one line."""

LIBRARY_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What libraries raise for damaged files; not what tells of mistakes in a program, nor lack of memory."""

_COMPONENT = r"Failed to instantiate component '(?:monai|torch)\.(?:\w+\.)*(\w+)' with keywords: (\S+)"
"""What MONAI says around the error of a constructor."""

INTERRUPTED, UNREAD = 130, 141
"""Exit codes of a command that was ended by Ctrl-C, or whose reader has gone, as shells have them."""


@contextmanager
def refusing(refused: Exception, *more: type[Exception]) -> Iterator[None]:
    """Around calls of a library alone: its errors for what is damaged, and ``more``, become the one that is given.

    Its warnings are not shown. Lack of memory and of permission is no damage.
    """
    damaged = (*LIBRARY_ERRORS, *more)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (MemoryError, PermissionError):
        raise
    except damaged as error:
        raise refused from error


@contextmanager
def about(what: object) -> Iterator[None]:
    """Put what the block is about, such as a file, before the message of its ValueError; no permission is one, too."""
    try:
        yield
    except PermissionError as error:
        raise ValueError(f"{error.filename or what}: may not be read; check its permissions") from error
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error


@contextmanager
def silent(logger: str) -> Iterator[None]:
    """Without the logs of a library's modules and warnings, in which it quotes what files hold."""
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def printable(text: object) -> str:
    r"""Text with line breaks, terminal escapes and bytes that are no text written as ``\n``, ``\x1b``, ``\udcff``.

    Names of files come from strangers: in a log they must not look like lines of their own.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text))


def users_error(error: BaseException) -> ValueError | OSError | None:
    """The error that is the user's to repair, of an error and its causes; None if there is none.

    MONAI wraps what goes wrong inside a configuration or a transform in a RuntimeError, so the chain of causes is
    followed to the first that is the user's: a ValueError (a bad option, bad data), an OSError (a missing file, a
    full disk), a lack of memory, or options that a component of MONAI or torch refuses.
    """
    current: BaseException | None = error
    while current is not None:
        if _no_memory(current):
            return OSError(errno.ENOMEM, "not enough memory: choose a smaller image, size or batch_size")
        if isinstance(current, (ValueError, OSError)):
            return current
        if refused := _refused_options(current):
            return refused
        current = current.__cause__
    return None


def _no_memory(error: BaseException) -> bool:
    """Python's, numpy's and torch's ways to say that there is not enough memory; torch is not imported for that."""
    torchs = isinstance(error, RuntimeError) and re.search("not enough memory|can't allocate memory", str(error))
    known = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return known or bool(torchs) or getattr(error, "errno", None) == errno.ENOMEM


def _refused_options(error: BaseException) -> ValueError | None:
    """What a component of MONAI or torch says of options that it cannot be made of; errors in our own code are ours."""
    made, cause = re.match(_COMPONENT, str(error)), error.__cause__
    if made is None or cause is None or users_error(cause) is not None:
        return None
    last = traceback.extract_tb(cause.__traceback__)[-1]
    if last.filename.startswith(os.path.dirname(__file__)):
        return None
    return ValueError(f"{made[1]} cannot be made of its options ({made[2]}): {cause}")


def with_causes(step: Callable[..., Result], *arguments: Any) -> Result:
    """Call something of MONAI; what it wraps in a RuntimeError comes out as it was raised, see :func:`users_error`."""
    try:
        return step(*arguments)
    except RuntimeError as error:
        cause = users_error(error)
        if cause is None:
            raise
        raise cause from None


def tidy(record: logging.LogRecord) -> bool:
    """Filter of a log: names in it become :func:`printable`, and Ignite's line about what is raised is left out."""
    if isinstance(record.args, tuple):
        names = (str, os.PathLike)
        record.args = tuple(printable(arg) if isinstance(arg, names) else arg for arg in record.args)
    return "terminating due to exception" not in record.getMessage()


def one_line(error: BaseException) -> str | None:
    """The line that explains an error to a user, or None if it is not the user's to repair; see :func:`users_error`."""
    found = users_error(error)
    text = str(found)
    if isinstance(found, OSError) and found.strerror:  # without its number
        hint = "check its permissions" if isinstance(found, PermissionError) else ""
        text = "; ".join(filter(None, (": ".join(map(str, filter(None, (found.filename, found.strerror)))), hint)))
    return None if found is None else printable(" ".join(text.split()))


def failed(error: Exception, name: object, keep_going: bool) -> dict[str, str]:
    """What stands for a volume of several that cannot be done: its line, with the file's name, under ``error``.

    Raises:
        ValueError: with this line, where the others are not to be done.
        Exception: the error itself, if it is not the user's to repair.
    """
    line = one_line(error)
    if line is None:
        raise error
    if printable(name) not in line:
        line = f"{printable(name)}: {line}"
    if not keep_going:
        raise ValueError(line) from error
    return {"error": line}


def exit_code(command: Callable[[], int | None]) -> int:
    """Run a command; an error that is the user's to repair becomes one line on stderr.

    Returns:
        The exit code: what the command gives (None is 0); 1 after such an error, 130 after Ctrl-C, 141 where nobody
        reads what is printed (``| head``).
    """
    try:
        code = int(command() or 0)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # of what is left to print
        return UNREAD
    except KeyboardInterrupt as stop:
        print("; ".join(("interrupted", *map(str, stop.args))), file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        line = None if os.environ.get(TRACEBACK_ENV) else one_line(error)
        if line is None:
            raise
        print(line, file=sys.stderr)
        return 1
