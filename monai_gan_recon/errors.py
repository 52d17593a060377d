"""What an error says to a user."""

from __future__ import annotations

TRACEBACK_ENV = "MONAI_GAN_RECON_TRACEBACK"
"""Environment variable: if set, the command lines show tracebacks in place of one line."""


def one_line(error: BaseException) -> str | None:
    """The line that explains an error to a user, or None if it is not the user's to repair.

    MONAI wraps what goes wrong inside a configuration or a transform in a RuntimeError, so the chain of causes is
    followed to the first that is the user's: a ValueError (a bad option, bad data) or an OSError (a missing file, a
    full disk).

    Args:
        error: any exception.
    """
    current: BaseException | None = error
    while current is not None:
        if isinstance(current, (ValueError, OSError)):
            return " ".join(str(current).split())
        current = current.__cause__
    return None
