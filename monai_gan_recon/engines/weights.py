"""Weights of a network from a file, with one clear line when they do not fit."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def load_weights(network: Network, path: str | os.PathLike[str]) -> Network:
    """Load a bare state dict, such as a bundle's ``models/model.pt``; nothing in the file is executed.

    Args:
        network: the network to fill, in place.
        path: file of the weights.

    Returns:
        The network.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: in one line, if it holds no weights, or those of another network.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of network weights; give one with --weights")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, OSError, KeyError) as error:
        raise ValueError(f"{path}: holds no PyTorch weights, or is truncated; copy it again") from error
    if not isinstance(state, Mapping) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise ValueError(f"{path}: is no bare state dict of a network (a checkpoint to resume from?); give model.pt")
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        own = network.state_dict()
        same = sum(key in own and own[key].shape == value.shape for key, value in state.items())
        raise ValueError(
            f"{path}: holds the weights of another network ({same} of {len(own)} tensors fit "
            f"{type(network).__name__}); give its network_def, or other --weights"
        ) from error
    return network
