"""Checks of the options of the segmentation bundle, each with one clear line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_gan_recon.engines.inference_options import check_device
from monai_gan_recon.segmentation.mixture import CONTRASTS

METHODS = ("network", "mixture")
"""What can segment: the trained network, or the unsupervised mixture."""

NETWORK_CONTRAST = "t1"
"""What the network was trained on."""

STRIDE = 16
"""Patches are multiples of it: the network halves the resolution four times."""


def check_training_options(
    device: Any,
    amp: Any,
    patch_size: Any,
    val_patch_size: Any,
    degraded_copies: Any,
    fractions: Mapping[str, Any],
    slice_axes: Any,
    patches_per_epoch: int,
    batch_size: int,
    bias_field: Any,
) -> None:
    """Check what the command line may have made of the options of ``train.yaml``.

    Args:
        device: device to train on.
        amp: true, false or "auto".
        patch_size: three multiples of 16.
        val_patch_size: three multiples of 16.
        degraded_copies: whole number of at least 0.
        fractions: options in [0, 1], by name.
        slice_axes: array axes of a volume in RAS, out of 0, 1, 2.
        patches_per_epoch: patches an epoch.
        batch_size: patches a batch.
        bias_field: true or false.

    Raises:
        ValueError: naming the first option that does not fit.
    """
    check_device(device, amp)
    _check_size("patch_size", patch_size)
    _check_size("val_patch_size", val_patch_size)
    if isinstance(degraded_copies, bool) or not isinstance(degraded_copies, int) or degraded_copies < 0:
        raise ValueError(f"--degraded_copies: give a whole number of at least 0, not {degraded_copies!r}")
    for name, value in fractions.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (number and 0 <= value <= 1):
            raise ValueError(f"--{name}: give a number from 0 to 1, not {value!r}")
    axes = slice_axes if isinstance(slice_axes, (list, tuple)) else []
    if not axes or not set(axes) <= {0, 1, 2}:
        raise ValueError(f'--slice_axes: give array axes out of 0, 1, 2, such as "[1]", not {slice_axes!r}')
    if patches_per_epoch < batch_size:
        raise ValueError(
            f"--patches_per_epoch: {patches_per_epoch} patches do not fill a batch of {batch_size}; lower --batch_size"
        )


def check_inference_options(
    device: Any,
    amp: Any,
    method: Any,
    switches: Mapping[str, Any],
    roi_size: Any,
    overlap: Any,
    contrast: Any,
    entries: Sequence[Mapping[str, Any]] = (),
    output_dir: str | os.PathLike[str] = ".",
) -> None:
    """Check the options of ``inference.yaml`` and ``evaluate.yaml``.

    Args:
        device: device to compute on.
        amp: true, false or "auto".
        method: "network" or "mixture".
        switches: options that are true or false, by name.
        roi_size: size of the sliding window, three multiples of 16.
        overlap: of neighbouring windows, in [0, 1).
        contrast: "t1", "t2" or "flair"; the network has "t1" only.
        entries: the volumes, whose folder the results must not go to if they are several.
        output_dir: folder of the results.

    Raises:
        ValueError: naming the first option that does not fit.
    """
    check_device(device, amp)
    if method not in METHODS:
        raise ValueError(f"--method: unknown method {method!r}; choose {' or '.join(METHODS)}")
    _check_size("roi_size", roi_size)
    if isinstance(overlap, bool) or not isinstance(overlap, (int, float)) or not 0 <= overlap < 1:
        raise ValueError(f"--overlap: give a number of at least 0 and under 1, not {overlap!r}")
    if contrast not in CONTRASTS:
        raise ValueError(f"--contrast: unknown contrast {contrast!r}; choose one of {', '.join(CONTRASTS)}")
    if method == "network" and contrast != NETWORK_CONTRAST:
        raise ValueError(
            f"--contrast: the network knows {NETWORK_CONTRAST} only; give --method mixture for {contrast}"
        )
    folders = {Path(str(entry["image"])).absolute().parent for entry in entries}
    if len(entries) > 1 and Path(output_dir).expanduser().absolute() in folders:
        raise ValueError(
            f"--output_dir: {output_dir} is the folder of the input; give another one for the results"
        )


def _check_size(name: str, value: Any) -> None:
    numbers = value if isinstance(value, (list, tuple)) else []
    whole = all(isinstance(n, int) and not isinstance(n, bool) and n > 0 and n % STRIDE == 0 for n in numbers)
    if len(numbers) != 3 or not whole:
        raise ValueError(
            f'--{name}: give three multiples of {STRIDE} in voxels, such as "[96,96,96]", not {value!r}'
        )
