"""Options of a subcommand, read from the bundle's configuration, which has each with its default and its help."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from typing import Any

from monai_gan_recon.checks import check_exists
from monai_gan_recon.resources import bundle_path, config_options, manifest_path
from monai_gan_recon.vocabulary import INPUT_OPTIONS

_HIDDEN = ("bundle_root", "raw")


def add_options(
    parser: argparse.ArgumentParser,
    bundle: str,
    configs: Sequence[str],
    positional: Sequence[tuple[str, str]] = (),
    hidden: Collection[str] = (),
) -> None:
    """Add the options of a bundle's configuration, ``--set`` and ``--bundle``.

    Args:
        parser: of the subcommand.
        bundle: name or folder of the bundle.
        configs: names of configurations, merged in this order.
        positional: options that may be given by their place, and how they are shown there.
        hidden: options that are not offered.
    """
    places, files = dict(positional), [bundle_path(bundle) / "configs" / config for config in configs]
    if not all(file.is_file() for file in files):  # a bundle for another subcommand
        return
    group = parser.add_argument_group(f"options of {' and '.join(configs)}")
    for item in config_options(files):
        if item.name in (*_HIDDEN, *hidden):
            continue
        text = item.text.replace("%", "%%")
        text += "" if item.default.lstrip('"')[:1] in ("$", "@", "") else f" ({item.default})"
        shared: dict[str, Any] = {"dest": item.name, "default": argparse.SUPPRESS, "help": text}
        if item.name in places:
            parser.add_argument(metavar=places[item.name], nargs=None if item.name == "input" else "?", **shared)
        if item.default in ("true", "false"):
            group.add_argument(f"--{item.name}", action=argparse.BooleanOptionalAction, **shared)
        elif item.name != "input":
            group.add_argument(f"--{item.name}", metavar="VALUE", **shared)
    group.add_argument(
        "--set",
        action="append",
        type=id_value,
        default=[],
        metavar="ID=VALUE",
        help="any other item, such as network_def#width=8",
    )
    group.add_argument("--bundle", default=bundle, help="name or folder of the bundle (%(default)s)")
    parser.set_defaults(_options=[action.dest for action in group._group_actions])


def id_value(text: str) -> tuple[str, str]:
    """The name and the text of ID=VALUE, for argparse."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not ID=VALUE, such as network_def#width=8")
    return name, value


def given(options: argparse.Namespace) -> dict[str, Any]:
    """What was given of a configuration's options, as its values; a FileNotFoundError for a file that is missing."""
    texts = given_texts(options)
    from monai_gan_recon.bundle import typed_values

    paths = {name: texts.pop(name) for name in ("input", "output_dir", "datalist", "dataset_dir") if name in texts}
    return typed_values(texts) | paths


def given_texts(options: argparse.Namespace) -> dict[str, str]:
    """What was given of a configuration's options, as it was typed; what is missing is told as by :func:`given`."""
    texts: dict[str, str] = dict(options.set)
    for name in {*options._options, "input"} - {"set", "bundle"}:
        if hasattr(options, name):
            if name in texts:
                raise ValueError(f"--{name} is given twice, once by --set; leave one out")
            texts[name] = str(getattr(options, name))
    for name in INPUT_OPTIONS:
        if texts.get(name, "null").lower() not in ("null", "none"):
            check_exists(texts[name])
    if "datalist" in texts:
        manifest_path(texts["datalist"])
    return texts
