"""Training on several GPUs (or, to try it, several CPU processes), started with torchrun."""

from __future__ import annotations

import os
import time

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

GLOO_SECONDS = 0.5
"""How long Gloo's threads may take to come to rest, on a busy machine."""


def join_processes() -> int:
    """Join the process group that torchrun started, and give this process' rank.

    Raises:
        ValueError: if the program was not started with torchrun.
    """
    if "LOCAL_RANK" not in os.environ:
        raise ValueError(
            "multi_gpu_train.yaml needs torchrun: torchrun --nproc_per_node=N -m monai.bundle run ..."
        )
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
