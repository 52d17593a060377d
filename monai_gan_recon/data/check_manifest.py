"""Command that checks a data manifest: ``python -m monai_gan_recon.data.check_manifest NAME_OR_PATH``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .manifest_check import manifest_problems


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line a problem; return 0 if there is none, 1 otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m monai_gan_recon.data.check_manifest",
        description="Check a manifest: split by person, no image twice, every file there with its sha256.",
    )
    parser.add_argument(
        "manifest", metavar="NAME_OR_PATH", help="shipped manifest (such as oasis_malc) or JSON file"
    )
    parser.add_argument("--dataset_dir", help="folder of the data")
    parser.add_argument(
        "--no_hashes", action="store_true", help="do not compute sha256, only look for the files"
    )
    options = parser.parse_args(argv)
    try:
        problems = manifest_problems(
            options.manifest, options.dataset_dir, not options.no_hashes, progress=True
        )
    except (OSError, ValueError) as error:
        problems = [str(error)]
    for problem in problems:
        print(problem)
    if not problems:
        print(f"{options.manifest}: no problems found")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
