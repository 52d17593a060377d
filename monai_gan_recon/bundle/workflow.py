"""A bundle's configuration run from Python, with the checks of its command line; the bundle's folder and network."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigWorkflow
from torch import nn

from monai_gan_recon.bundle.command_line import command_line
from monai_gan_recon.bundle.typed import Typed, typed
from monai_gan_recon.bundle.values import check_values, load_configs, read_config
from monai_gan_recon.checks import home_expanded
from monai_gan_recon.engines.runtime import check_device
from monai_gan_recon.errors import with_causes
from monai_gan_recon.resources import bundle_path


class _Workflow(ConfigWorkflow):
    """MONAI's, without the RuntimeError in which it wraps what a constructor or a run raises.

    Attributes:
        given: values that the user gave, see :func:`monai_gan_recon.bundle.command_line.check_effect`.
    """

    given: Mapping[str, Any]

    def initialize(self) -> Any:
        return with_causes(super().initialize)

    def run(self) -> Any:
        return with_causes(super().run)


def typed_values(options: Mapping[str, str]) -> dict[str, Any]:
    """Values of options that were typed, read as ``python -m monai.bundle`` reads them.

    Args:
        options: text by id, nested ones as "network_def#width".

    Example:
        >>> typed_values({"size": "[64,64]", "weights": "null", "network_def#width": "4"})
        {'size': [64, 64], 'weights': None, 'network_def::width': 4}
    """
    line = Typed("run", (), {name.replace("#", "::"): text for name, text in options.items()})
    values = {name: line.value(name) for name in line.options}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def open_bundle(
    bundle: str | os.PathLike[str],
    config: str,
    options: Mapping[str, Any] | None = None,
    merged: Sequence[str | os.PathLike[str]] = (),
    objects: Mapping[str, Any] | None = None,
) -> ConfigWorkflow:
    """A bundle's configuration, checked and initialised: ``run()`` does the work.

    Args:
        bundle: name of a shipped bundle, or a folder.
        config: name of the configuration, such as "inference.yaml".
        options: values by id, nested ones as "network_def#width".
        merged: further configuration files, merged in this order; a name is looked for in the bundle's ``configs``.
        objects: what replaces parts of the configuration, unchecked; never of a user.

    Raises:
        FileNotFoundError: if the bundle or a file is missing.
        ValueError: in one line, for an option that the configuration does not have, or that it refuses.

    Example:
        >>> open_bundle("brain_mri_gan_reconstruction", "inference.yaml", {"input": "scan.nii.gz"})  # doctest: +SKIP
    """
    folder = bundle_path(bundle)
    files = [str(_config_file(folder, name)) for name in (config, *merged)]
    options = {name.replace("#", "::"): value for name, value in (options or {}).items()}
    check_values(options, load_configs(files), files=files)
    logger = logging.getLogger(ConfigWorkflow.__module__)
    disabled, logger.disabled = logger.disabled, True  # it warns that there is no file of logging
    try:
        workflow = _Workflow(
            config_file=files,
            workflow_type="train" if "train" in config else "infer",
            logging_file=False,
            **{"bundle_root": str(folder)} | options | dict(objects or {}),
        )
    finally:
        logger.disabled = disabled
    workflow.given = options
    workflow.initialize()
    return workflow


def _config_file(bundle: Path, name: str | os.PathLike[str]) -> Path:
    for file in (bundle / "configs" / name, home_expanded(name)):
        if file.is_file():
            return file
    raise FileNotFoundError(f"{name}: no such configuration file, neither there nor in {bundle / 'configs'}")


def bundle_root(name: str) -> str:
    """Folder of the bundle that runs: default of the id ``bundle_root``, so that it works from any folder.

    On MONAI's command line it is the folder above ``configs`` in which the (first) ``--config_file`` lies; the file's
    own folder if that has another name, as in MONAI. From Python, where a configuration cannot know its file, it is
    the shipped bundle: give ``bundle_root`` for another one. Makes the command line strict too
    (:func:`~monai_gan_recon.bundle.command_line`), for runs that skip ``initialize``.

    Args:
        name: of the shipped bundle.

    Returns:
        Absolute path.
    """
    command_line()
    line = typed()
    files = line.config_files() if line else []
    if not files:
        return str(bundle_path(name))
    folder = Path(os.path.abspath(files[0])).parent
    return str(folder.parent if folder.name == "configs" else folder)


def bundle_network(bundle: str | os.PathLike[str], device: torch.device | str = "cpu") -> nn.Module:
    """The network of a bundle's ``evaluate.yaml`` with its weights, in evaluation mode, on a device.

    Raises:
        FileNotFoundError: if there is no such bundle, or it has no weights.
    """
    folder = bundle_path(bundle)
    parser = read_config(folder / "configs" / "evaluate.yaml", bundle_root=folder)
    network: nn.Module = parser.get_parsed_content("network")
    return network.to(check_device(device)).eval()
