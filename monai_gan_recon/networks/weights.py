"""Load weights into a network, with errors that say what does not fit."""

from __future__ import annotations

import os
from typing import TypeVar

import torch
from torch import nn

from monai_gan_recon.checks import home_expanded

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
    """Load a bare state dict into a network; nothing in the file is executed (``weights_only=True``).

    Without a file the network stays as it is.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file holds no state dict, that of another network, or numbers that are not finite.
    """
    if path is None:
        return network
    path = home_expanded(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}: train a model first, or give the file of another one")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        odd = any(value.is_complex() or value.is_meta or value.is_sparse for value in state.values())
        own = {name: value.is_floating_point() for name, value in network.state_dict().items()}
        rounded = any(own.get(name) and not value.is_floating_point() for name, value in state.items())
        if odd or rounded or not all(isinstance(name, str) for name in state):
            raise ValueError("no names with dense, real tensors, or rounded ones")
        state = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    except PermissionError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is not a file of weights: give a state dict that torch.save wrote") from error
    spoilt = [name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    if spoilt:
        raise ValueError(f"{path} has NaN or infinite weights ({spoilt[0]}); train again, or give others")
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(
            f"{path} holds the weights of another network: give the network's options that it was trained with, "
            "such as --network_def#width, or other weights"
        ) from error
    return network
