"""Load weights into a network, with errors that say what does not fit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def trainable(network: nn.Module) -> list[nn.Parameter]:
    """Parameters for an optimiser.

    Raises:
        ValueError: if there are none: the network is a classical method.
    """
    parameters = list(network.parameters())
    if not parameters:
        raise ValueError(f"{type(network).__name__} has nothing to train: run evaluate or inference with it")
    return parameters


def load_weights(network: Network, path: str | os.PathLike[str] | None) -> Network:
    """Load a bare state dict; nothing in the file is executed (``weights_only=True``).

    Args:
        network: the network, changed in place.
        path: file of the state dict; None leaves the network as it is.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file holds no state dict, or that of another network.
    """
    if path is None:
        return network
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}: train a model first, or give the file of another one")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        state = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    except Exception as error:
        raise ValueError(
            f"{path} is not a file of weights: give a state dict that torch.save wrote"
        ) from error
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(
            f"{path} holds the weights of another network: give the network's options that it was trained with, "
            "such as --network_def#width, or other weights"
        ) from error
    return network
