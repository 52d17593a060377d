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
from benchmarks.result_files import ROOT, number, read_results
from benchmarks.tissue_pages import (
    dimensions_table,
    paired_summary,
    preprocessing_table,
    tissue_metrics,
    tissue_table,
)
from monai_gan_recon.evaluation.paired.table import paired_table
from monai_gan_recon.evaluation.table import markdown_table
from monai_gan_recon.io.writing import atomic_path

BUNDLE = ROOT / "bundles" / "brain_mri_gan_reconstruction"
TISSUE_BUNDLE = ROOT / "bundles" / "brain_mri_tissue_segmentation"
DATASETS = {
    "oasis_malc": "OASIS (site never seen)",
    "ds002748": "ds002748, held-out people",
    "ds000011": "ds000011, held-out people (with skull)",
}
METRICS = {"psnr": ("PSNR [dB]", ".2f"), "ssim": ("SSIM", ".4f"), "hfen": ("HFEN", ".3f")}
BRAIN_METRICS = {
    "psnr": METRICS["psnr"],
    "psnr_brain": ("PSNR in the brain [dB]", ".2f"),
    "ssim": METRICS["ssim"],
    "ssim_brain": ("SSIM in the brain", ".4f"),
}


def entries(name: str) -> list[dict[str, Any]]:
    """Results of ``shipped_model_NAME.json``, one dictionary a (data set, track, rate, method)."""
    return read_results(f"shipped_model_{name}")


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
        "paired": paired_table(read_results("tissue_paired"), ("dice",), markdown=True),
        "paired summary": paired_summary(),
        "paired cell": paired_table(read_results("tissue_paired_cell"), ("dice",), markdown=True),
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
