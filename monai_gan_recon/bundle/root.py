"""The folder of the bundle that runs."""

from __future__ import annotations

import os
from pathlib import Path

from monai_gan_recon.bundle.command_line import command_line
from monai_gan_recon.bundle.options import check_command_line


def bundle_root() -> str:
    """Folder of the bundle that runs: default of the id ``bundle_root``, so that it works from any folder.

    It is the folder above ``configs`` in which the (first) ``--config_file`` lies; the file's own folder if
    that has another name, as in MONAI. ``--bundle_root`` on the command line replaces the id, and so this
    function. Checks the command line too (:func:`monai_gan_recon.bundle.check_command_line`), for runs that
    skip ``initialize``.

    Returns:
        Absolute path; the current folder when no command line of MONAI's names a configuration (use from
        Python).
    """
    check_command_line()
    line = command_line()
    files = line.config_files() if line else []
    if not files:
        return str(Path.cwd())
    folder = Path(os.path.abspath(files[0])).parent
    return str(folder.parent if folder.name == "configs" else folder)
