"""Tables of the tissue segmentation: Dice of original images, and what undersampling does to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.result_files import number, read_results
from monai_gan_recon.evaluation.table import markdown_table
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
    for result in read_results("tissue_segmentation"):
        people = f"{result['n_people']} ({result['n_scans']})"
        dice = [number(result["dice"][tissue], ".3f") for tissue in TISSUES.values()]
        lines.append([result["method"], preprocessing(result), people, *dice])
    return markdown_table(lines)


def dimensions_table() -> str:
    """Markdown table of Dice and time, one line a network: 3-D or slices with their neighbours."""
    dice = (f"Dice {tissue.upper()}" for tissue in TISSUES.values())
    lines = [["network", "people (scans)", *dice, "seconds a scan in the network", "seconds a scan in all"]]
    for name in ("3-D", "2.5-D"):
        for result in read_results(f"tissue_segmentation_{name}"):
            scores = [number(result["dice"][tissue], ".3f") for tissue in TISSUES.values()]
            seconds = [number(result[key], ".1f") for key in ("network_seconds", "seconds")]
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
        lines.append(
            _summary_line(result, "reconstruction", "reconstruction, a model of this rate, trained on OASIS")
        )
    return markdown_table(lines)


def _summary_line(result: Mapping[str, Any], method: str, name: str) -> list[str]:
    wanted = (
        {"method": method, "against": "original"},
        {"method": method, "minus": "original", "against": "labels"},
    )
    rows = result["scores"], result["paired_differences"]
    same, change = (
        next(row for row in among if want.items() <= row.items())
        for among, want in zip(rows, wanted, strict=True)
    )
    simulated = result["track"] == "simulated"
    return [
        f"{100 * result['rate']:.4g} % {result['pattern']}",
        f"simulated, SNR {result['snr']:g}" if simulated else result["track"],
        name.replace("_", "-"),
        str(result["n_people"]),
        *(number(same["dice"][tissue], ".3f") for tissue in TISSUES.values()),
        *(number(change["dice"][tissue], "+.3f") for tissue in TISSUES.values()),
    ]
