"""Subcommands on the shipped MONAI bundles: ``bundles path`` and ``bundles export``."""

from __future__ import annotations

import argparse
import shutil
from typing import Any

from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.checks import home_expanded
from monai_gan_recon.cli.console import Outcome
from monai_gan_recon.resources import available_bundles, bundle_path


def add_commands(commands: Any, **shared: Any) -> None:
    """Add the subcommands to a parser."""
    group = commands.add_parser("bundles", help="the shipped MONAI bundles: path, export")
    actions = group.add_subparsers(metavar="ACTION", required=True)
    names = ", ".join(available_bundles())
    path = actions.add_parser("path", help="print the folder of a bundle, for python -m monai.bundle", **shared)
    export = actions.add_parser("export", help="copy a bundle, with its weights, to change or to upload it", **shared)
    for parser in (path, export):
        parser.add_argument("name", help=names)
    export.add_argument("folder", help="new folder of the copy")
    path.set_defaults(run=_path)
    export.set_defaults(run=_export)


def _path(options: argparse.Namespace) -> Outcome:
    folder = bundle_path(options.name)
    return Outcome(str(folder), data={"folder": folder})


def _export(options: argparse.Namespace) -> Outcome:
    source, target = bundle_path(options.name), home_expanded(options.folder)
    if target.exists():
        raise FileExistsError(f"{target}: exists already; choose another folder")
    with atomic_path(target) as temporary:
        for file in source.rglob("*"):
            if file.is_file() and file.suffix not in (".py", ".pyc"):
                copy = temporary / file.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, copy)
    return Outcome(str(target), data={"folder": target})
