"""Hashes that say which configuration a result is of, and which training a checkpoint."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from monai_gan_recon import __version__
from monai_gan_recon.checks import home_expanded
from monai_gan_recon.data.manifest import read_manifest


def options_hash(*parts: Any) -> str:
    """First 16 hexadecimal digits of the sha256 of values that JSON can hold, and of files (their bytes)."""
    digest = hashlib.sha256()
    for part in parts:
        text = json.dumps(part, sort_keys=True, default=str).encode()
        digest.update(part.read_bytes() if isinstance(part, Path) else text)
    return digest.hexdigest()[:16]


def config_hash(protocol: Mapping[str, Any], network: nn.Module, weights: str | os.PathLike[str] | None = None) -> str:
    """Hash of a protocol, the network's architecture (its printed form, not its numbers) and its weights file.

    It is the first 16 hexadecimal digits of a sha256, the same on every machine.
    """
    digest = hashlib.sha256(json.dumps(protocol, sort_keys=True, default=str).encode())
    digest.update(repr(network).encode())
    if weights is not None:
        digest.update(home_expanded(weights).read_bytes())
    return digest.hexdigest()[:16]


def training_identity(
    datalist: str | os.PathLike[str],
    network: nn.Module,
    init_weights: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
) -> dict[str, str]:
    """What makes a training that one and no other, as hashes; a checkpoint with others is not resumed.

    These count: the manifest's content, the network's architecture, the bytes of the starting weights, and the options
    that decide what is learnt and by which numbers the best epoch is chosen (``identity_options`` of ``train.yaml``:
    seed, batch, learning rates, losses, sizes, simulated scans, validation). These do not, so that a training can be
    made longer, shorter or end with a critic, or go on elsewhere: ``max_epochs``, ``gan_fraction``, ``patience``,
    ``val_interval``, ``device``, ``amp``, ``num_workers``, and where files lie.

    Returns:
        16 hexadecimal digits of each, the same on every machine.
    """
    parts = {"data": read_manifest(datalist)[1], "network": repr(network), **options}
    if init_weights is not None:
        parts["starting weights"] = hashlib.sha256(home_expanded(init_weights).read_bytes()).hexdigest()
    return {name: options_hash(part) for name, part in parts.items()}


def result_record(
    protocol: Mapping[str, Any],
    network: nn.Module,
    weights: str | os.PathLike[str] | None = None,
    paths: Sequence[str | os.PathLike[str] | None] = (),
) -> dict[str, Any]:
    """What is written beside a result, to tell later how it was made and whether another run would make the same.

    Args:
        protocol: options that count, by their names for people; None values are left out.
        network: see :func:`config_hash`.
        weights: its name is stated, its bytes count.
        paths: options that count and are paths, which may name a patient and so are not stated.

    Returns:
        ``software``, ``protocol`` and ``config_hash``, for JSON.
    """
    stated = {name: value for name, value in protocol.items() if value is not None}
    if weights is not None:
        stated["Weights"] = Path(weights).name
    counts = {"protocol": stated, "paths": [None if path is None else str(path) for path in paths]}
    digest = config_hash(counts, network, weights)
    return {"software": f"monai-gan-recon {__version__}", "protocol": stated, "config_hash": digest}
