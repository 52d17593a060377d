"""What undersampling and reconstruction do to the segmentation of a data set, scan by scan.

Run ``python -m monai_gan_recon.evaluation.paired --datalist NAME --dataset_dir DATA --rates 0.1 0.5``. Each volume
is undersampled as the reconstruction bundle's evaluation does it; the original, the zero-filled and the
reconstructed volume go through one segmentation; each segmentation is compared with that of the original and with
the manifest's reference labels. Scans that are finished are not computed again.

Files in ``--output_dir``, where ``<result>`` names protocol and method of segmentation: ``metrics.json`` (grows),
``people_<result>.csv``, ``scans_<result>/<case>.json`` and ``figures_<result>/<case>.png``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from monai_gan_recon.bundle import fail_clearly
from monai_gan_recon.engines import keep_freed_memory
from monai_gan_recon.evaluation.paired.options import add_arguments, options_of
from monai_gan_recon.evaluation.paired.run import run_paired
from monai_gan_recon.evaluation.tables import paired_table


def run(arguments: argparse.Namespace) -> None:
    """Evaluate, write the results and print their table; raises what :func:`run_paired` raises."""
    options = options_of(arguments)
    keep_freed_memory()
    results = run_paired(options)
    print(f"\n{paired_table(results)}\n\nMetrics: {Path(options.output_dir) / 'metrics.json'}")


def main(argv: Sequence[str] | None = None) -> None:
    """Command line: an error that is the user's to repair ends it with one line and exit code 1."""
    parser = argparse.ArgumentParser(
        prog="python -m monai_gan_recon.evaluation.paired",
        description="Segment original, zero-filled and reconstructed volumes and compare the segmentations.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add_arguments(parser)
    fail_clearly(run, parser.parse_args(argv))


if __name__ == "__main__":
    main()
