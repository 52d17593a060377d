"""Checks of the options of inference and evaluation, each with one clear line."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from monai_gan_recon.kspace.patterns import LINE_PATTERNS

logger = logging.getLogger(__name__)

TRAINED_RATES = (0.08, 0.55)
"""Lowest and highest sampling rate of the shipped weights' training."""


def check_inference_options(
    entries: Sequence[Mapping[str, Any]],
    output_dir: str | os.PathLike[str],
    track: str,
    axis: int = -1,
    seed: int = 0,
    mask: Any = None,
    phase: Any = None,
    size: Any = None,
    error_map: bool = False,
    noise_level: Any = 0,
) -> None:
    """Check the options of inference that depend on one another.

    Args:
        entries: the volumes, see :func:`monai_gan_recon.engines.inference.input_entries`.
        output_dir: folder of the results.
        track: "replica" or "simulated" of full images; "raw" or "replica" of images already undersampled.
        axis: phase-encoding axis, -1 or -2.
        seed: of the sampling patterns, at least 0.
        mask: file of the sampling mask, if the images are undersampled already.
        phase: file of the phase, if they are magnitudes.
        size: [H, W] to crop or pad full images to.
        error_map: whether an error map is wanted.
        noise_level: standard deviation of the noise of images that are undersampled already.

    Raises:
        ValueError: in one line.
    """
    tracks = ("replica", "simulated") if mask is None else ("raw", "replica")
    if track not in tracks:
        which = "full images" if mask is None else "images that are undersampled already (--mask)"
        raise ValueError(f"--track: {track!r} does not go with {which}; choose {' or '.join(tracks)}")
    _check_axis_and_seed(axis, seed)
    _check_noise_level(noise_level, mask)
    if mask is None and phase is not None:
        raise ValueError(
            "--phase is for images that are undersampled already; give their sampling mask with --mask"
        )
    if mask is not None and size is not None:
        raise ValueError("--size does not go with --mask: cropping would change the measured k-space")
    if mask is not None and error_map:
        raise ValueError("--save_error_map does not go with --mask: there is no full image to compare with")
    if phase is not None and not Path(phase).expanduser().is_file():
        raise ValueError(f"--phase: {phase} is not there; check the path")
    if phase is not None and len(entries) > 1:
        raise ValueError(f"--phase is the phase of one image, but --input holds {len(entries)}; give one")
    folders = {Path(entry["image"]).absolute().parent for entry in entries}
    if len(entries) > 1 and Path(output_dir).expanduser().absolute() in folders:
        raise ValueError(
            f"--output_dir: {output_dir} is the folder of the input; give another one for the results"
        )


def warn_if_untrained(
    pattern: str, rate: float, weights: str | os.PathLike[str] | None, shipped: str | os.PathLike[str]
) -> None:
    """Log one warning if the shipped weights are used for what they were not trained for.

    Args:
        pattern: sampling pattern.
        rate: sampling rate.
        weights: file of the weights in use; None: the network needs none.
        shipped: file of the shipped weights; nothing is known of the training of others.
    """
    low, high = TRAINED_RATES
    if weights is None or Path(weights).resolve() != Path(shipped).resolve():
        return
    if pattern not in LINE_PATTERNS or not low <= rate <= high:
        logger.warning(
            "pattern %s at %g %%: the shipped weights were trained on whole lines at %g to %g %% of k-space "
            "(patterns %s); check the result, or give other --weights",
            pattern,
            100 * rate,
            100 * low,
            100 * high,
            ", ".join(LINE_PATTERNS),
        )


def check_evaluation_options(axis: int = -1, seed: int = 0, min_foreground: float = 0.1) -> None:
    """Check the options of evaluation that nothing else checks.

    Args:
        axis: phase-encoding axis, -1 or -2.
        seed: of the sampling patterns, at least 0.
        min_foreground: least fraction of the frame that the brain covers, in [0, 1].

    Raises:
        ValueError: in one line.
    """
    _check_axis_and_seed(axis, seed)
    if (
        isinstance(min_foreground, bool)
        or not isinstance(min_foreground, (int, float))
        or not 0 <= min_foreground <= 1
    ):
        raise ValueError(f"--min_foreground: a fraction of the frame, in [0, 1], not {min_foreground!r}")


def check_device(device: Any, amp: Any = "auto") -> None:
    """Check that there is such a device, and the choice of precision.

    Args:
        device: name such as "cpu" or "cuda:0", or a device.
        amp: bfloat16 autocast: true, false or "auto".

    Raises:
        ValueError: in one line.
    """
    count = torch.cuda.device_count()
    try:
        wanted = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"--device: {device!r} names no device; say cpu or cuda:0") from None
    if wanted.type == "cuda" and (wanted.index or 0) >= count:
        raise ValueError(f"--device: there is no {wanted}; this machine has {count} CUDA devices and cpu")
    if amp not in (True, False, "auto"):
        raise ValueError(f"--amp: say true, false or auto, not {amp!r}")


def _check_noise_level(noise_level: Any, mask: Any) -> None:
    number = isinstance(noise_level, (int, float)) and not isinstance(noise_level, bool)
    if not (number and math.isfinite(noise_level) and noise_level >= 0):
        raise ValueError(f"--noise_level: a standard deviation of at least 0, not {noise_level!r}")
    if noise_level > 0 and mask is None:
        raise ValueError(
            "--noise_level is for images that are undersampled already (--mask); full images get noise by "
            "--track simulated --snr"
        )


def _check_axis_and_seed(axis: int, seed: int) -> None:
    if axis not in (-1, -2):
        raise ValueError(f"--axis: the phase-encoding axis is -1 (columns) or -2 (rows), not {axis!r}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"--seed: must be a whole number of at least 0, got {seed!r}")
