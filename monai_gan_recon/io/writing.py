"""Writing of results: complete files or none, never half-written ones."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
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


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Temporary folder beside ``path``, renamed to it when the block succeeds and removed when it fails.

    A folder that is there already is replaced as a whole.

    Raises:
        OSError: in one line, if it cannot be written.
    """
    path = Path(path)
    temporary, old = (path.with_name(f".{os.getpid()}.{what}.{path.name}") for what in ("part", "old"))
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            os.replace(path, old)
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(
            f"{path}: cannot be written ({error.strerror or error}); check the folder, its permissions and space"
        ) from error
    finally:
        for folder in (temporary, old):
            shutil.rmtree(folder, ignore_errors=True)


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


def save_nifti(
    array: np.ndarray | torch.Tensor, affine: np.ndarray | torch.Tensor, path: str | os.PathLike[str]
) -> Path:
    """Write a volume as NIfTI under a temporary name, then move it into place.

    Args:
        array: (X, Y, Z), or (1, X, Y, Z) as MONAI has it; stored as float32 (complex input as complex64).
        affine: (4, 4) voxel to RAS in mm; kept in qform and sform.
        path: file to write, ".nii.gz" (compressed) or ".nii"; an existing one is replaced.

    Returns:
        The path written.

    Raises:
        ValueError: if the name does not end in ".nii.gz" or ".nii".
        OSError: if it cannot be written (disk full, no permission); nothing is left behind then.
    """
    path = Path(path)
    if not path.name.endswith((".nii.gz", ".nii")):
        raise ValueError(f"{path}: a NIfTI file's name must end in .nii.gz or .nii")
    values = torch.as_tensor(array).detach().cpu().numpy()
    if values.ndim == 4 and values.shape[0] == 1:
        values = values[0]
    values = values.astype(np.complex64 if np.iscomplexobj(values) else np.float32)
    matrix = torch.as_tensor(affine).detach().cpu().numpy().astype(np.float64)
    image = nib.Nifti1Image(values, matrix)
    image.set_sform(matrix, code=1)
    image.set_qform(matrix, code=1)
    image.header.set_xyzt_units("mm")
    with atomic_path(path) as temporary:
        nib.save(image, temporary)
    return path
