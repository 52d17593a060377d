"""Where the networks compute in bfloat16."""

from __future__ import annotations

import torch


def bf16_pays(device: torch.device | str) -> bool:
    """Whether bfloat16 autocast is faster than float32 there: where the device has instructions for it.

    A CPU has them with AMX tiles or with AVX-512 BF16. One without emulates them, no faster than float32. The Fourier
    transforms of data consistency stay in float32 everywhere.
    """
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported()
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def resolve_amp(amp: bool | str, device: torch.device | str) -> bool:
    """Turn "auto" into what pays on the device, leave a bool as it is.

    Raises:
        ValueError: for anything else.
    """
    if amp == "auto":
        return bf16_pays(device)
    if not isinstance(amp, bool):
        raise ValueError(f"amp must be true, false or 'auto', got {amp!r}")
    return amp
