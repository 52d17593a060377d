"""Errors for users: one line and exit code 1 instead of a traceback."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

TRACEBACK_ENV = "MONAI_GAN_RECON_TRACEBACK"
_PACKAGE = Path(__file__).resolve().parent.parent


def fail(message: str) -> NoReturn:
    """End the program with one line on stderr and exit code 1."""
    raise SystemExit(" ".join(message.split()))


def user_message(error: BaseException) -> str | None:
    """The one line that explains an error to a user, or None if it is not the user's to repair.

    MONAI wraps what goes wrong inside a configuration or a transform in a RuntimeError, so the chain of causes is
    followed to the first that is the user's: an error of the operating system (a full disk, no permission), or a
    ValueError or missing file that this package's own checks raised.

    Args:
        error: any exception.
    """
    current: BaseException | None = error
    while current is not None:
        if isinstance(current, OSError) and (current.errno is not None or _raised_here(current)):
            return " ".join(str(current).split())
        if isinstance(current, ValueError) and _raised_here(current):
            return " ".join(str(current).split())
        current = current.__cause__
    return None


def fail_clearly(action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function; an error that is the user's to repair ends the program with one line and exit code 1.

    With the environment variable MONAI_GAN_RECON_TRACEBACK set, every error keeps its traceback.

    Args:
        action: function to call, in a configuration mostly a lambda.
        args: its arguments.
        kwargs: its arguments by name.

    Returns:
        What the function returns.
    """
    try:
        return action(*args, **kwargs)
    except Exception as error:
        message = None if os.environ.get(TRACEBACK_ENV) else user_message(error)
        if message is None:
            raise
        raise SystemExit(message) from error


def report_uncaught_errors_in_one_line() -> None:
    """Print one line from now on for an uncaught error that is the user's to repair, no traceback."""
    if sys.excepthook is not _excepthook and not os.environ.get(TRACEBACK_ENV):
        sys.excepthook = _excepthook


def is_news(record: logging.LogRecord) -> bool:
    """Logging filter without Ignite's line about an exception, which is raised and told all the same."""
    return "terminating due to exception" not in record.getMessage()


def _excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    message = user_message(error)
    if message is None:
        sys.__excepthook__(kind, error, traceback)
    else:
        print(message, file=sys.stderr)


def _raised_here(error: BaseException) -> bool:
    """Whether the error was raised by a line of this package, and not by a library that it called."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step is not None and _PACKAGE in Path(step.tb_frame.f_code.co_filename).resolve().parents
