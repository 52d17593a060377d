"""Score the shipped weights under the published protocol, on people and a site they never saw.

    python -m benchmarks.shipped_model

Runs the reconstruction bundle's ``evaluate`` once a row and gathers its results in ``benchmarks/results``; rows that
are there already are not done again. The folder of the data sets is taken from MONAI_GAN_RECON_DATA.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from benchmarks.result_files import RESULTS, run_command, write_json
from monai_gan_recon.errors import exit_code
from monai_gan_recon.evaluation import RECONSTRUCTION, metrics_table

BUNDLE = Path(__file__).parents[1] / "bundles" / "brain_mri_gan_reconstruction"
RATES = (0.09375, 0.49609375)
ROWS: dict[str, list[dict[str, str | float]]] = {
    "oasis": [{"datalist": "oasis_malc", "rate": rate, "track": "replica"} for rate in RATES],
    "simulated": [
        {"datalist": "oasis_malc", "rate": rate, "track": "simulated", "snr": snr}
        for snr in (10, 20, 50)
        for rate in RATES
    ],
    "held_out": [
        {"datalist": name, "rate": rate, "track": track}
        for name in ("ds002748", "ds000011")
        for track in ("replica", "simulated")
        for rate in RATES
    ],
}


def main() -> None:
    """Evaluate, print the table and copy ``metrics.json`` to ``benchmarks/results/shipped_model.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--output_dir", type=Path, default=Path("outputs") / "shipped_model")
    arguments = parser.parse_args()
    metrics = arguments.output_dir / "metrics.json"
    for options in (row for name in arguments.rows for row in ROWS[name]):
        wanted = options | {"rate": round(float(options["rate"]), 6)}
        if any(wanted.items() <= _as_options(entry).items() for entry in RECONSTRUCTION.results(metrics)):
            continue
        command = [sys.executable, "-m", "monai.bundle", "run", "evaluate"]
        command += ["--config_file", str(BUNDLE / "configs" / "evaluate.yaml")]
        command += ["--output_dir", str(arguments.output_dir.resolve()), "--plane", "coronal"]
        command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
        run_command(command)
    content = RECONSTRUCTION.read(metrics)
    write_json(RESULTS / "shipped_model.json", content)
    print(metrics_table(content["results"], markdown=True))


def _as_options(result: dict[str, Any]) -> dict[str, Any]:
    return {name: result[name] for name in ("track", "rate", "snr")} | {"datalist": result["dataset"]}


if __name__ == "__main__":
    sys.exit(exit_code(main))
