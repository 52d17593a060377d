"""What every loss here asks of its two images: the same shape, and at least float32."""

from __future__ import annotations

import torch
from torch import Tensor


def check_pair(pred: Tensor, target: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Check that two images have one shape, and raise half precision to float32.

    Args:
        pred: reconstruction (B, C, ...).
        target: reference, same shape.
        name: the loss, for the message.

    Returns:
        Both tensors; float16 and bfloat16 become float32, all else is unchanged.

    Raises:
        ValueError: shapes differ (PyTorch would broadcast them silently), or there is no axis beside the
            batch.
    """
    if pred.shape != target.shape or pred.ndim < 2:
        raise ValueError(
            f"{name}: prediction and target must have one shape (B, C, ...), "
            f"got {tuple(pred.shape)} and {tuple(target.shape)}"
        )
    return at_least_float32(pred), at_least_float32(target)


def at_least_float32(x: Tensor) -> Tensor:
    """Return ``x`` in float32 if it is float16 or bfloat16, else unchanged."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
