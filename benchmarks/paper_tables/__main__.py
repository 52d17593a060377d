"""Every system of the paper's tables, under one protocol.

    python -m benchmarks.paper_tables run --budget 600      # train and test the whole grid in ten hours
    python -m benchmarks.paper_tables status
    python -m benchmarks.paper_tables speed
    python -m benchmarks.paper_tables report                # docs/paper_tables.md and its figures

Results are one JSON a cell in ``benchmarks/paper_tables/results``; checkpoints and logs go to ``--output_dir``.
"""

from __future__ import annotations

import importlib
import signal
import sys

from benchmarks.paper_tables.options import parse
from monai_gan_recon.errors import exit_code


def main() -> int:
    """Run the command of the command line; errors that its user can repair are one line."""
    options = parse()
    module = importlib.import_module(f"benchmarks.paper_tables.{options.command}")
    command = getattr(module, options.command)
    return exit_code(lambda: command(options))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no process of a cell is left behind
    sys.exit(main())
