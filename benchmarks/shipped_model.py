"""Score the shipped weights under the published protocol, on people and a site they never saw.

    python -m benchmarks.shipped_model                       # models/model.pt
    python -m benchmarks.shipped_model --weights FILE --name supervised

Runs the reconstruction bundle's ``evaluate`` once a row and gathers its results in ``benchmarks/results``. The folder
of the data sets is taken from MONAI_GAN_RECON_DATA.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.result_files import RESULTS, run_command, write_json
from monai_gan_recon.data.cases import check_case
from monai_gan_recon.errors import exit_code
from monai_gan_recon.evaluation import RECONSTRUCTION, metrics_table

BUNDLE = Path(__file__).parents[1] / "bundles" / "brain_mri_gan_reconstruction"
RATES = (0.09375, 0.49609375)
ROWS: dict[str, list[dict[str, str | float]]] = {
    "oasis": [{"datalist": "oasis_malc", "rate": rate, "track": "replica"} for rate in RATES],
    "simulated": [
        {"datalist": "oasis_malc", "rate": rate, "track": "simulated", "snr": 20} for rate in RATES
    ],
    "held_out": [
        {"datalist": name, "rate": rate, "track": "replica"}
        for name in ("ds002748", "ds000011")
        for rate in RATES
    ],
}


def main() -> None:
    """Evaluate, print the table and copy ``metrics.json`` to ``benchmarks/results/shipped_model_NAME.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, default=BUNDLE / "models" / "model.pt")
    parser.add_argument("--name", default="tuned", help="names the results")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--output_dir", type=Path, default=Path("outputs") / "shipped_model")
    arguments = parser.parse_args()
    folder = arguments.output_dir / check_case(arguments.name)
    for options in (row for name in arguments.rows for row in ROWS[name]):
        command = [sys.executable, "-m", "monai.bundle", "run", "evaluate"]
        command += ["--config_file", str(BUNDLE / "configs" / "evaluate.yaml")]
        command += ["--weights", str(arguments.weights.resolve()), "--output_dir", str(folder.resolve())]
        command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
        run_command(command)
    content = RECONSTRUCTION.read(folder / "metrics.json")
    write_json(RESULTS / f"shipped_model_{arguments.name}.json", content)
    print(metrics_table(content["results"], markdown=True))


if __name__ == "__main__":
    sys.exit(exit_code(main))
