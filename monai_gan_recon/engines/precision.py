"""Where the networks compute, and where in bfloat16."""

from __future__ import annotations

import torch


def check_device(device: torch.device | str) -> torch.device:
    """The device of this name.

    Raises:
        ValueError: if the name is none, or there is no such device, or it is not one to compute on.
    """
    try:
        wanted = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"--device: {device!r} names no device; say cpu or cuda:0") from None
    count = torch.cuda.device_count()
    if wanted.type not in ("cpu", "cuda") or (wanted.type == "cuda" and (wanted.index or 0) >= count):
        raise ValueError(f"--device: there is no {wanted}; this machine has cpu and {count} CUDA devices")
    return wanted


def bf16_pays(device: torch.device | str) -> bool:
    """Whether bfloat16 autocast is faster than float32 there: where the device has instructions for it.

    A GPU of NVIDIA has them from compute capability 8 on (Ampere), a CPU with AMX tiles or with AVX-512 BF16. Others
    emulate them, no faster than float32. The Fourier transforms of data consistency stay in float32 everywhere.
    """
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def resolve_amp(amp: bool | str, device: torch.device | str) -> bool:
    """Turn "auto" into what pays on the device, leave a bool as it is.

    Raises:
        ValueError: for anything else.
    """
    if amp == "auto":
        return bf16_pays(device)
    if not isinstance(amp, bool):
        raise ValueError(f"--amp: say true, false or auto, not {amp!r}")
    return amp
