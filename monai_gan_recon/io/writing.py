"""Writing of results: complete files or none, never half-written ones."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import torch

from ..atomic import atomic_path


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
        except RuntimeError as error:
            if "PytorchStreamWriter" not in str(error) and "inline_container" not in str(error):
                raise  # not of torch's writer of files, which knows no OSError
            raise OSError(errno.ENOSPC, "the disk is full, or a quota used up") from error
    return Path(path)
