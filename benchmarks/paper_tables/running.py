"""Run a bundle configuration in this process, as ``monai.bundle run`` does in one of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monai.bundle import ConfigParser


def run_config(
    content: dict[str, Any], before_run: Callable[[ConfigParser], None] | None = None
) -> ConfigParser:
    """Initialise and run a configuration.

    Args:
        content: of the configuration.
        before_run: called between the two, for what a handler of the configuration cannot do.

    Returns:
        The parser, which holds the objects that were made.

    Raises:
        ValueError: in the chain of causes, where the user has something to repair.
    """
    parser = ConfigParser(content)
    parser.parse()
    parser.get_parsed_content("initialize")
    if before_run is not None:
        before_run(parser)
    parser.get_parsed_content("run")
    return parser
