"""A hash that says which configuration a result is of."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from torch import nn

from monai_gan_recon.checks import home_expanded


def config_hash(
    protocol: Mapping[str, Any], network: nn.Module, weights: str | os.PathLike[str] | None = None
) -> str:
    """Hash of a protocol, the network's architecture and its weights file.

    Args:
        protocol: values that JSON can hold.
        network: its printed form counts, not its numbers.
        weights: file whose bytes count.

    Returns:
        The first 16 hexadecimal digits of a sha256, the same on every machine.
    """
    digest = hashlib.sha256(json.dumps(protocol, sort_keys=True, default=str).encode())
    digest.update(repr(network).encode())
    if weights is not None:
        digest.update(home_expanded(weights).read_bytes())
    return digest.hexdigest()[:16]
