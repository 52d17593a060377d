"""What undersampling and reconstruction do to the segmentation of a data set, scan by scan.

Run ``python -m monai_gan_recon.evaluation.paired --datalist NAME --dataset_dir DATA --rates 0.1 0.5``. Each volume
is undersampled as the reconstruction bundle's evaluation does it; the original, the zero-filled and the
reconstructed volume go through one segmentation; each segmentation is compared with that of the original and with
the manifest's reference labels. Scans that are finished are not computed again.

Files in ``--output_dir``, where ``<result>`` names protocol and method of segmentation: ``metrics.json`` (grows),
``people_<result>.csv``, ``scans_<result>/<case>.json`` and ``figures_<result>/<case>.png``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monai_gan_recon.bundle import fail_clearly
from monai_gan_recon.engines import keep_freed_memory
from monai_gan_recon.evaluation.paired.arguments import parse_options
from monai_gan_recon.evaluation.paired.run import run_paired
from monai_gan_recon.evaluation.paired.table import paired_table


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of the paired evaluation."""
    options = parse_options(arguments)
    keep_freed_memory()
    results = fail_clearly(run_paired, options)
    print(f"\n{paired_table(results)}\n\nMetrics: {Path(options.output_dir) / 'metrics.json'}")


if __name__ == "__main__":
    main()
