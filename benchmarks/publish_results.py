"""Write the measured results of the weights of both bundles where people read them.

    python -m benchmarks.publish_results

Renders ``benchmarks/results/shipped_model_*.json``, ``tissue_segmentation*.json`` and ``tissue_paired*.json`` as tables
between the marker comments of README.md, the bundles' docs and docs/shipped_model.md, and copies the means to
``eval_metrics`` of the bundles' metadata.json. Numbers are never typed by hand; a test fails where a page is not what
this command writes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.pages import fill
from monai_gan_recon.data.writing import atomic_path
from monai_gan_recon.evaluation.paired.table import paired_table
from monai_gan_recon.evaluation.table import markdown_table
from monai_gan_recon.segmentation.labels import TISSUES

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
BUNDLE = ROOT / "bundles" / "brain_mri_gan_reconstruction"
TISSUE_BUNDLE = ROOT / "bundles" / "brain_mri_tissue_segmentation"
DATASETS = {
    "oasis_malc": "OASIS (site never seen)",
    "ds002748": "ds002748, held-out people",
    "ds000011": "ds000011, held-out people (with skull)",
}
PREPROCESSING = {"bias_field": "N4", "denoise": "anisotropic diffusion"}
METRICS = {"psnr": ("PSNR [dB]", ".2f"), "ssim": ("SSIM", ".4f"), "hfen": ("HFEN", ".3f")}
BRAIN_METRICS = {
    "psnr": METRICS["psnr"],
    "psnr_brain": ("PSNR in the brain [dB]", ".2f"),
    "ssim": METRICS["ssim"],
    "ssim_brain": ("SSIM in the brain", ".4f"),
}


def entries(name: str) -> list[dict[str, Any]]:
    """Results of ``shipped_model_NAME.json``, one dictionary a (data set, track, rate, method)."""
    return _results(f"shipped_model_{name}")


def table(results: list[dict[str, Any]], metrics: dict[str, tuple[str, str]] = METRICS) -> str:
    """Markdown table, one line a result."""
    head = ["data", "track", "rate", "people (slices)", "method", *(title for title, _ in metrics.values())]
    lines = [head]
    for result in results:
        simulated = result["track"] == "simulated"
        line = [
            DATASETS.get(result["dataset"], result["dataset"]),
            f"simulated, SNR {result['snr']:g}" if simulated else result["track"],
            f"{100 * result['rate']:.4g} %",
            f"{result['n_people']} ({result['n_slices']})",
            result["method"].replace("_", "-"),
        ]
        lines.append(line + [number(result[name], style) for name, (_, style) in metrics.items()])
    return markdown_table(lines)


def number(measure: dict[str, float | None], style: str) -> str:
    """Mean ± 95 % confidence interval."""
    if measure["mean"] is None:
        return "-"
    interval = "" if measure["ci95"] is None else f" ± {measure['ci95']:{style}}"
    return f"{measure['mean']:{style}}{interval}"


def tuning_table() -> str:
    """The same weights before and after the adversarial epochs, on OASIS."""
    both = {"before tuning": entries("supervised"), "after tuning": entries("tuned")}
    lines = [
        result | {"method": name}
        for name, results in both.items()
        for result in results
        if result["method"] == "reconstruction"
        and (result["dataset"], result["track"]) == ("oasis_malc", "replica")
    ]
    return table(sorted(lines, key=lambda line: line["rate"]))


def tissue_results(name: str = "tissue_segmentation") -> list[dict[str, Any]]:
    """Results of ``NAME.json``, one dictionary a (data set, method, preprocessing)."""
    return _results(name)


def paired_results(name: str = "tissue_paired") -> list[dict[str, Any]]:
    """Results of ``NAME.json``, one dictionary a (data set, pattern, rate)."""
    return _results(name)


def _results(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))[
        "results"
    ]
    return found


def preprocessing(result: dict[str, Any]) -> str:
    """What was done before the segmentation, beyond the brain mask and the features."""
    done = [text for name, text in PREPROCESSING.items() if result[name]]
    return " and ".join(done) or "-"


def plain(result: dict[str, Any]) -> bool:
    """Whether a result is one without further preprocessing."""
    return preprocessing(result) == "-"


def tissue_table() -> str:
    """Markdown table, one line a tissue."""
    head = ["data", "method", "people (scans)", "tissue", "Dice", "HD95 [mm]", "volume difference [ml]"]
    lines = [head]
    for result in filter(plain, tissue_results()):
        for tissue in result["dice"]:
            line = [
                result["dataset"],
                result["method"],
                f"{result['n_people']} ({result['n_scans']})",
                tissue.upper(),
            ]
            measures = (("dice", ".3f"), ("hd95_mm", ".2f"), ("volume_difference_ml", ".1f"))
            lines.append(line + [number(result[name][tissue], style) for name, style in measures])
    return markdown_table(lines)


def preprocessing_table() -> str:
    """Markdown table of Dice, one line a method and step of preprocessing."""
    head = [
        "method",
        "preprocessing",
        "people (scans)",
        *(f"Dice {tissue.upper()}" for tissue in TISSUES.values()),
    ]
    lines = [head]
    for result in tissue_results():
        people = f"{result['n_people']} ({result['n_scans']})"
        dice = [number(result["dice"][tissue], ".3f") for tissue in TISSUES.values()]
        lines.append([result["method"], preprocessing(result), people, *dice])
    return markdown_table(lines)


def dimensions_table() -> str:
    """Markdown table of Dice and time, one line a network: 3-D or slices with their neighbours."""
    dice = (f"Dice {tissue.upper()}" for tissue in TISSUES.values())
    lines = [["network", "people (scans)", *dice, "seconds a scan in the network", "seconds a scan in all"]]
    for name in ("3-D", "2.5-D"):
        for result in tissue_results(f"tissue_segmentation_{name}"):
            scores = [number(result["dice"][tissue], ".3f") for tissue in TISSUES.values()]
            seconds = [number(result[key], ".1f") for key in ("network_seconds", "seconds")]
            lines.append([name, f"{result['n_people']} ({result['n_scans']})", *scores, *seconds])
    return markdown_table(lines)


def tissue_metrics() -> dict[str, float]:
    """Mean Dice of each tissue for metadata.json."""
    originals = {
        f"{result['dataset']}_{result['method']}_dice_{tissue}": round(measure["mean"], 3)
        for result in filter(plain, tissue_results())
        for tissue, measure in result["dice"].items()
    }
    for result in paired_results():
        protocol = f"{result['track']}_{result['pattern']}_{100 * result['rate']:.3g}pct"
        for row in result["scores"]:
            if row["against"] == "original":
                for tissue, measure in row["dice"].items():
                    name = f"{result['dataset']}_{protocol}_{row['method']}_dice_{tissue}"
                    originals[name] = round(measure["mean"], 3)
    return originals


def eval_metrics() -> dict[str, float]:
    """Means of PSNR and SSIM for metadata.json."""
    return {
        f"{result['dataset']}_{result['track']}_{100 * result['rate']:.3g}pct_{name}": round(
            result[name]["mean"], digits
        )
        for result in entries("tuned")
        if result["method"] == "reconstruction"
        for name, digits in (("psnr", 2), ("ssim", 4))
    }


def pages() -> dict[Path, str]:
    """Each page as it must be, by its path."""
    blocks = {
        "results": table(entries("tuned")),
        "tuning": tuning_table(),
        "brain": table([e for e in entries("tuned") if e["track"] == "simulated"], BRAIN_METRICS),
        "tissues": tissue_table(),
        "preprocessing": preprocessing_table(),
        "dimensions": dimensions_table(),
        "paired": paired_table(paired_results(), ("dice",), markdown=True),
        "paired cell": paired_table(paired_results("tissue_paired_cell"), ("dice",), markdown=True),
    }
    found = {}
    bundle_docs = (bundle / "docs" / "README.md" for bundle in (BUNDLE, TISSUE_BUNDLE))
    for path in (ROOT / "README.md", ROOT / "docs" / "shipped_model.md", *bundle_docs):
        text = path.read_text(encoding="utf-8")
        found[path] = fill(text, blocks)
    for bundle, metrics in ((BUNDLE, eval_metrics()), (TISSUE_BUNDLE, tissue_metrics())):
        path = bundle / "configs" / "metadata.json"
        metadata = json.loads(path.read_text(encoding="utf-8")) | {"eval_metrics": metrics}
        found[path] = json.dumps(metadata, indent=2, ensure_ascii=False) + "\n"
    return found


def main() -> None:
    """Write every page that is not up to date."""
    for path, text in pages().items():
        if path.read_text(encoding="utf-8") != text:
            with atomic_path(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
