"""The machine: devices, precision, seeds, memory, processes."""

from __future__ import annotations

import ctypes
import os
import sys
import time

import torch
from monai.utils import set_determinism
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from monai_gan_recon.checks import check_seed

NARROW = 64
"""Sides in pixels below which images are computed in float32 on a CPU, see :func:`autocast`."""


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


def autocast(images: torch.Tensor, bf16: bool) -> torch.autocast:
    """Bfloat16 autocast for images (..., H, W), or none.

    On a CPU, torch 2.13's channels-last bfloat16 convolutions read memory that is not theirs where feature maps are a
    pixel wide, as narrow images become deep in a network: results are random, sometimes NaN. These stay in float32.
    """
    narrow = images.device.type == "cpu" and min(images.shape[-2:]) < NARROW
    return torch.autocast(images.device.type, torch.bfloat16, enabled=bf16 and not narrow)


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


def set_seed(seed: int) -> None:
    """Seed Python, numpy and torch, and ask for deterministic algorithms where they are as fast.

    Raises:
        ValueError: if the seed is no whole number from 0 to 2⁶³ - 1.
    """
    check_seed(seed)
    set_determinism(seed)


# parameters of glibc's mallopt(3)
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_LARGEST = 32 << 20  # bytes that stay: more than mallopt allows is refused


def keep_freed_memory() -> bool:
    """Let glibc reuse the memory of large tensors instead of returning it to the system at every release.

    By default each tensor of some megabytes is mapped from the system, zeroed page by page and returned: on a CPU
    that takes about as long as the arithmetic of a small layer. What is larger than 32 MiB, such as a whole volume,
    is returned at once, so that it leaves no holes.

    Returns:
        Whether it took effect: only Linux with glibc has the call, elsewhere nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # musl and others
        return False
    limit = 2**31 - 1  # mallopt takes an int
    settings = ((_M_MMAP_THRESHOLD, _LARGEST), (_M_TRIM_THRESHOLD, limit), (_M_TOP_PAD, 64 << 20))
    return all(mallopt(key, value) == 1 for key, value in settings)


GLOO_SECONDS = 0.5
"""How long Gloo's threads may take to come to rest, on a busy machine."""


def join_processes() -> int:
    """Join the process group that torchrun started, and give this process' rank.

    Raises:
        ValueError: if the program was not started with torchrun.
    """
    if "LOCAL_RANK" not in os.environ:
        raise ValueError("multi_gpu_train.yaml needs torchrun: torchrun --nproc_per_node=N -m monai.bundle run ...")
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return distributed.get_rank()


def leave_processes() -> None:
    """Leave the process group at the end of a program; nothing where none was joined.

    Gloo's threads may still release the tensors of the last exchange when Python ends, which aborts the process
    (https://github.com/pytorch/pytorch/pull/179291): they are given a moment.
    """
    if not distributed.is_initialized():
        return
    gloo = distributed.get_backend() == "gloo"
    distributed.destroy_process_group()
    if gloo:
        time.sleep(GLOO_SECONDS)


def local_device() -> torch.device:
    """The GPU of this process, or the CPU where there is none."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ["LOCAL_RANK"]))


def parallel(network: nn.Module, device: torch.device) -> DistributedDataParallel:
    """The network with gradients averaged over the processes."""
    ids = [device.index] if device.type == "cuda" else None
    return DistributedDataParallel(network, device_ids=ids, broadcast_buffers=False)


def unwrap(network: nn.Module) -> nn.Module:
    """The network itself, without the wrapper of :func:`parallel`."""
    return network.module if isinstance(network, DistributedDataParallel) else network
