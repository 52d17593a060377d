"""The error that a MONAI Compose hides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def apply_with_causes(
    transform: Callable[[dict[str, Any]], Mapping[str, Any]], data: dict[str, Any]
) -> Mapping[str, Any]:
    """Apply a dictionary transform; what goes wrong in one of its steps comes out as that step raised it.

    MONAI's ``Compose`` raises a ``RuntimeError`` "applying transform ..." in place of it.

    Args:
        transform: from dictionary to dictionary.
        data: passed to it.

    Raises:
        ValueError: by a step.
        OSError: by a step.
        RuntimeError: if neither of these is its cause.
    """
    try:
        return transform(data)
    except RuntimeError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, (ValueError, OSError)):
            cause = cause.__cause__
        if cause is None:
            raise
        raise cause from None
