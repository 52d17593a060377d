"""Write the measured results of the weights of both bundles where people read them.

    python -m benchmarks.publish_results

Renders ``benchmarks/results/shipped_model.json``, ``tissue_segmentation*.json``, ``tissue_paired*.json`` and
``brain_extraction.json`` as tables between the marker comments of README.md, the bundles' docs and the pages of docs/,
and copies the means to ``eval_metrics`` of the bundles' metadata.json. Numbers are never typed by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.result_files import ROOT, fill_page, read_results
from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.evaluation.tables import markdown_table, paired_table, value_text
from monai_gan_recon.segmentation.labels import TISSUES

PREPROCESSING = {"bias_field": "N4", "denoise": "anisotropic diffusion"}


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
    for result in filter(plain, read_results("tissue_segmentation")):
        for tissue in result["dice"]:
            line = [
                result["dataset"],
                result["method"],
                f"{result['n_people']} ({result['n_scans']})",
                tissue.upper(),
            ]
            measures = (("dice", ".3f"), ("hd95_mm", ".2f"), ("volume_difference_ml", ".1f"))
            lines.append(line + [value_text(result[name][tissue], style) for name, style in measures])
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
    for result in read_results("tissue_segmentation"):
        people = f"{result['n_people']} ({result['n_scans']})"
        dice = [value_text(result["dice"][tissue], ".3f") for tissue in TISSUES.values()]
        lines.append([result["method"], preprocessing(result), people, *dice])
    return markdown_table(lines)


def dimensions_table() -> str:
    """Markdown table of Dice and time, one line a network: 3-D or slices with their neighbours."""
    dice = (f"Dice {tissue.upper()}" for tissue in TISSUES.values())
    lines = [["network", "people (scans)", *dice, "seconds a scan in the network", "seconds a scan in all"]]
    for name in ("3-D", "2.5-D"):
        for result in read_results(f"tissue_segmentation_{name}"):
            scores = [value_text(result["dice"][tissue], ".3f") for tissue in TISSUES.values()]
            seconds = [value_text(result[key], ".1f") for key in ("network_seconds", "seconds")]
            lines.append([name, f"{result['n_people']} ({result['n_scans']})", *scores, *seconds])
    return markdown_table(lines)


def tissue_metrics() -> dict[str, float]:
    """Mean Dice of each tissue for metadata.json."""
    originals = {
        f"{result['dataset']}_{result['method']}_dice_{tissue}": round(measure["mean"], 3)
        for result in filter(plain, read_results("tissue_segmentation"))
        for tissue, measure in result["dice"].items()
    }
    for result in read_results("tissue_paired"):
        protocol = f"{result['track']}_{result['pattern']}_{100 * result['rate']:.3g}pct"
        for row in result["scores"]:
            if row["against"] == "original":
                for tissue, measure in row["dice"].items():
                    name = f"{result['dataset']}_{protocol}_{row['method']}_dice_{tissue}"
                    originals[name] = round(measure["mean"], 3)
    return originals


def paired_summary() -> str:
    """Markdown table, one line a protocol and image: Dice with the original's segmentation, and what labels lose."""
    tissues = [tissue.upper() for tissue in TISSUES.values()]
    head = ["k-space", "track", "segmentation of", "people"]
    head += [f"{tissue}, with the original's" for tissue in tissues]
    lines = [head + [f"{tissue}, change against labels" for tissue in tissues]]
    for result in read_results("tissue_paired"):
        lines += [_summary_line(result, method, method) for method in ("zero_filled", "reconstruction")]
    for result in read_results("tissue_paired_cell"):
        lines.append(_summary_line(result, "reconstruction", "reconstruction, a model of this rate, trained on OASIS"))
    return markdown_table(lines)


def _summary_line(result: Mapping[str, Any], method: str, name: str) -> list[str]:
    wanted = (
        {"method": method, "against": "original"},
        {"method": method, "minus": "original", "against": "labels"},
    )
    rows = result["scores"], result["paired_differences"]
    same, change = (
        next(row for row in among if want.items() <= row.items()) for among, want in zip(rows, wanted, strict=True)
    )
    simulated = result["track"] == "simulated"
    return [
        f"{100 * result['rate']:.4g} % {result['pattern']}",
        f"simulated, SNR {result['snr']:g}" if simulated else result["track"],
        name.replace("_", "-"),
        str(result["n_people"]),
        *(value_text(same["dice"][tissue], ".3f") for tissue in TISSUES.values()),
        *(value_text(change["dice"][tissue], "+.3f") for tissue in TISSUES.values()),
    ]


def _range(values: Sequence[float], style: str) -> str:
    return f"{sum(values) / len(values):{style}} ({min(values):{style}} to {max(values):{style}})"


def extraction_table() -> str:
    """Markdown table of the brain extraction where the brain is known: Dice, volumes, and where a skull is seen."""
    rows = read_results("brain_extraction")
    lines = [
        [
            "images",
            "n",
            "skull seen",
            "refused",
            "Dice",
            "Dice, thresholding and morphology",
            "volume error [%]",
        ]
    ]
    names = {
        "simulated": "simulated heads around the brains of",
        "pairs": "whole head,",
        "stripped": "stripped,",
    }
    for step, name in names.items():
        for dataset in dict.fromkeys(row["dataset"] for row in rows if row["step"] == step):
            some = [row for row in rows if (row["step"], row["dataset"]) == (step, dataset)]
            line = [f"{name} {dataset}", str(len(some)), str(sum(row["skull"] for row in some))]
            line.append(str(sum(row["skull"] and row["refused"] is not None for row in some)))
            if step == "stripped":
                lines.append([*line, "-", "-", "-"])
                continue
            errors = [100 * (row["volume_ml"] / row["true_ml"] - 1) for row in some]
            line += [_range([row[key] for row in some], ".3f") for key in ("dice", "dice_morphology")]
            lines.append([*line, _range(errors, "+.1f")])
    return markdown_table(lines)


def extraction_heads_table() -> str:
    """Markdown table of what the extraction finds in heads without a reference."""
    rows = [row for row in read_results("brain_extraction") if row["step"] == "whole"]
    lines = [["heads", "n", "skull seen", "refused", "brain of those not refused [ml]"]]
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        some = [row for row in rows if row["dataset"] == dataset]
        kept = [row["volume_ml"] for row in some if row["refused"] is None]
        line = [dataset, str(len(some)), str(sum(row["skull"] for row in some)), str(len(some) - len(kept))]
        lines.append([*line, _range(kept, ".0f") if kept else "-"])
    return markdown_table(lines)


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


def entries() -> list[dict[str, Any]]:
    """Results of ``shipped_model.json``, one dictionary a (data set, track, SNR, rate, method), in this order."""
    order = list(DATASETS)
    return sorted(
        read_results("shipped_model"),
        key=lambda e: (order.index(e["dataset"]), e["track"], e["snr"] or 0, e["rate"]),
    )


def table(results: list[dict[str, Any]], metrics: dict[str, tuple[str, str]] = METRICS) -> str:
    """Markdown table, one line a result."""
    head = ["data", "track", "rate", "people (slices)", "method", *(title for title, _ in metrics.values())]
    lines = [head]
    for result in results:
        line = [
            DATASETS.get(result["dataset"], result["dataset"]),
            _track(result),
            f"{100 * result['rate']:.4g} %",
            f"{result['n_people']} ({result['n_slices']})",
            result["method"].replace("_", "-"),
        ]
        lines.append(line + [value_text(result[name], style) for name, (_, style) in metrics.items()])
    return markdown_table(lines)


def summary() -> str:
    """The README's table: PSNR and SSIM inside the object, zero-filled beside the reconstruction, SNR 20."""
    lines = [["data", "track", "sampled", "subjects", "zero-filled: PSNR [dB] / SSIM", "reconstruction"]]
    chosen = [e for e in entries() if _of_summary(e)]
    both = {name: [e for e in chosen if e["method"] == name] for name in ("zero_filled", "reconstruction")}
    for pair in zip(*both.values(), strict=True):
        first = pair[0]
        scores = [f"{e['psnr_brain']['mean']:.1f} / {e['ssim_brain']['mean']:.3f}" for e in pair]
        lines.append(
            [
                DATASETS[first["dataset"]],
                _track(first),
                f"{100 * first['rate']:.3g} %",
                str(first["n_people"]),
                *scores,
            ]
        )
    return markdown_table(lines)


def _of_summary(entry: Mapping[str, Any]) -> bool:
    if entry["track"] == "simulated":
        return bool(entry["snr"] == 20)
    return bool(entry["dataset"] == "oasis_malc")


def eval_metrics() -> dict[str, float]:
    """Means of PSNR and SSIM for metadata.json."""
    return {
        f"{result['dataset']}_{_track(result, '_snr')}_{100 * result['rate']:.3g}pct_{name}": round(
            result[name]["mean"], digits
        )
        for result in entries()
        if result["method"] == "reconstruction"
        for name, digits in (("psnr", 2), ("ssim", 4), ("psnr_brain", 2), ("ssim_brain", 4))
    }


def _track(result: Mapping[str, Any], of_snr: str = ", SNR ") -> str:
    simulated = result["track"] == "simulated" and result["snr"] is not None
    return str(result["track"]) + (f"{of_snr}{result['snr']:g}" if simulated else "")


def blocks() -> dict[str, str]:
    """The rendered parts of the pages, by the name of their markers."""
    return {
        "results": table(entries()),
        "summary": summary(),
        "brain": table([e for e in entries() if e["track"] == "simulated"], BRAIN_METRICS),
        "tissues": tissue_table(),
        "preprocessing": preprocessing_table(),
        "dimensions": dimensions_table(),
        "extraction": extraction_table(),
        "extraction heads": extraction_heads_table(),
        "paired": paired_table(read_results("tissue_paired"), ("dice",), markdown=True),
        "paired summary": paired_summary(),
        "paired cell": paired_table(read_results("tissue_paired_cell"), ("dice",), markdown=True),
    }


def main() -> None:
    """Fill the pages, and the ``eval_metrics`` of the bundles."""
    parts = blocks()
    for path in (
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "bundles").glob("*/docs/README.md"),
    ):
        fill_page(path, parts)
    for bundle, metrics in ((BUNDLE, eval_metrics()), (TISSUE_BUNDLE, tissue_metrics())):
        path = bundle / "configs" / "metadata.json"
        metadata = json.loads(path.read_text(encoding="utf-8")) | {"eval_metrics": metrics}
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(metadata, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
