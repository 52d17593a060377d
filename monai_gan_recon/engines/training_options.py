"""Checks of the training configuration's options, each with one clear line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai_gan_recon.engines.inference_options import check_device
from monai_gan_recon.kspace import check_rate


def check_training_options(
    device: Any,
    gan_fraction: Any,
    adversarial_share: Any,
    val_rates: Any,
    planes: Any,
    patterns: Any,
    axes: Any,
    crop: Any,
    slices_per_epoch: int,
    batch_size: int,
) -> None:
    """Check what the command line may have made of the options of ``train.yaml``.

    Args:
        device: device to train on.
        gan_fraction: fraction of the epochs with the adversary, in [0, 1].
        adversarial_share: share of the adversarial gradient in [0, 1), or None.
        val_rates: sampling rates of the validation.
        planes: names of planes.
        patterns: names of sampling patterns.
        axes: phase-encoding axes.
        crop: size of the training crop (H, W), at least 16.
        slices_per_epoch: slices an epoch.
        batch_size: slices a batch.

    Raises:
        ValueError: naming the first option that does not fit.
    """
    check_device(device)
    _check_fraction("gan_fraction", gan_fraction)
    if adversarial_share is not None:
        _check_fraction("adversarial_share", adversarial_share)
        if adversarial_share == 1:
            raise ValueError(
                "--adversarial_share: give a number under 1: at 1 nothing would be left of the reconstruction loss"
            )
    for name, value in {"val_rates": val_rates, "planes": planes, "patterns": patterns, "axes": axes}.items():
        if not isinstance(value, (list, tuple)) or not value:
            raise ValueError(f"--{name}: give a list such as \"['a','b']\", got {value!r}")
    for rate in val_rates:
        check_rate(rate)
    if any(axis not in (-1, -2) for axis in axes):
        raise ValueError(f"--axes: -1 (columns) and -2 (rows) are known, got {axes!r}")
    if not _is_size(crop):
        raise ValueError(f'--crop: give height and width of at least 16, such as "[128,256]", got {crop!r}')
    if slices_per_epoch < batch_size:
        raise ValueError(
            f"--slices_per_epoch: {slices_per_epoch} slices do not fill a batch of {batch_size}; lower --batch_size"
        )


def _check_fraction(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"--{name}: give a number from 0 to 1, got {value!r}")


def _is_size(value: Sequence[Any]) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and all(isinstance(n, int) and n >= 16 for n in value)
    )
