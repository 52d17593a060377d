"""Writing of results: complete files or none, never half-written ones."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Temporary path beside ``path``, moved onto it when the block succeeds and removed when it fails.

    The temporary name ends like ``path``, so that writers who look at the suffix write the same format.

    Raises:
        OSError: in one line, if the folder cannot be written or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.part.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        # numpy's "n requested and m written" has no number
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, None)
        hint = "free some space" if full else "check the folder and its permissions"
        reason = error.strerror or str(error)
        raise OSError(f"{path}: cannot be written ({reason}); {hint}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def save_state(state: Any, path: str | os.PathLike[str]) -> Path:
    """Write what ``torch.save`` can, complete or not at all.

    Args:
        state: tensors and plain values.
        path: file to write; its folder is made if needed.

    Raises:
        OSError: in one line, if it cannot be written (disk full, no permission).
    """
    with atomic_path(path) as temporary:
        try:
            torch.save(state, temporary)
        except RuntimeError as error:  # torch's writer of files knows no OSError
            raise OSError(errno.ENOSPC, "the disk is full, or a quota used up") from error
    return Path(path)
