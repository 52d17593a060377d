"""Evaluate the scans of a manifest one after another, skip what is done, write the results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from monai_gan_recon import __version__
from monai_gan_recon.checks import check_output_dir, home_expanded
from monai_gan_recon.data import Manifest, load_manifest, with_cases
from monai_gan_recon.engines.config_hash import options_hash
from monai_gan_recon.errors import one_line
from monai_gan_recon.evaluation.metrics_file import PAIRED
from monai_gan_recon.evaluation.paired.options import PairedOptions
from monai_gan_recon.evaluation.paired.protocol import PairedProtocol, write_scores
from monai_gan_recon.evaluation.paired.scan import (
    BundleReconstruction,
    PairedScan,
    Segmenter,
    check_scan,
    default_device,
)
from monai_gan_recon.segmentation.segmenter import TissueSegmenter


def run_paired(options: PairedOptions) -> list[dict[str, Any]]:
    """Evaluate all scans of a manifest at all rates; write the results, and give their entries of ``metrics.json``.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: in one line, for a wrong option, or if a scan or its labels cannot be used; scans finished before
            are kept.
    """
    output_dir = check_output_dir(options.output_dir)
    PAIRED.results(output_dir / "metrics.json")  # fail now if the results cannot be added
    manifest = load_manifest(options.datalist, options.dataset_dir)
    entries = with_cases(manifest.section(options.section))
    protocols = _protocols(options, manifest, output_dir)
    drawn = {entry["case"] for entry in entries[: options.figures]}
    scores = {
        (entry["case"], protocol.stem): protocol.finished(entry, entry["case"] in drawn)
        for entry in entries
        for protocol in protocols
    }
    left = [entry for entry in entries if any(scores[entry["case"], p.stem] is None for p in protocols)]
    if left:
        segmenter = load_segmenter(options)
        for entry in tqdm(left, desc="checking", unit="scan", leave=False):
            _clearly(entry, check_scan, entry)
        missing = sum(value is None for value in scores.values())
        with tqdm(total=missing, desc="paired evaluation", unit="scan") as bar:
            for entry in left:
                scan = PairedScan(entry, segmenter)
                for protocol in protocols:
                    key = (entry["case"], protocol.stem)
                    if scores[key] is None:
                        bar.set_postfix_str(f"{entry['case']}, {protocol.result['rate']:.2%}")
                        scores[key] = _clearly(entry, protocol.evaluate, scan, entry["case"] in drawn)
                        bar.update()
    results = [
        write_scores(
            protocol.result,
            [found for entry in entries if (found := scores[entry["case"], protocol.stem])],
            output_dir,
        )
        for protocol in protocols
    ]
    PAIRED.add(output_dir / "metrics.json", results)
    return results


def load_segmenter(options: PairedOptions) -> Segmenter:
    """The segmentation bundle's segmenter, by network or mixture, on a GPU if there is one."""
    return TissueSegmenter.from_bundle(
        options.segmentation_folder,
        weights=options.segmentation_weights,
        device=options.device or default_device(),
        method=options.segmentation,
        **options.segmentation_set,
    )


def segmentation_fingerprint(options: PairedOptions) -> str:
    """Hash of what a segmentation depends on: the bundle's configuration, its weights if used, the version."""
    folder = options.segmentation_folder
    settings = [__version__, options.segmentation, options.segmentation_set]
    parts: list[Any] = [settings, folder / "configs" / "inference.yaml"]
    parts += [file for file in (folder / "models" / "brain_extraction.pt",) if file.is_file()]
    if options.segmentation == "network":
        weights = home_expanded(options.segmentation_weights or folder / "models" / "model.pt")
        if not weights.is_file():
            raise FileNotFoundError(
                f"{weights}: there are no weights of the segmentation; give --segmentation_weights FILE, or "
                "--segmentation mixture, which needs none"
            )
        parts.append(weights)
    return options_hash(*parts)


def _protocols(options: PairedOptions, manifest: Manifest, output_dir: Path) -> list[PairedProtocol]:
    """One a rate."""
    fingerprint = segmentation_fingerprint(options)
    return [
        PairedProtocol(
            BundleReconstruction(options.bundle_folder, **options.reconstruction_options(rate)),
            {
                "dataset": manifest.dataset_name(options.section),
                "segmentation": options.segmentation,
                "segmentation_options": options.segmentation_set,
            },
            fingerprint,
            output_dir,
        )
        for rate in dict.fromkeys(options.rates)
    ]


def _clearly(entry: Mapping[str, Any], action: Any, *args: Any) -> Any:
    """Call a function; errors of the user's data name the scan."""
    try:
        return action(*args)
    except Exception as error:
        message = one_line(error)
        if message is None or isinstance(error, OSError):
            raise
        known = str(entry["image"]) in message or str(entry.get("label")) in message
        raise ValueError(message if known else f"{entry['image']}: {message}") from error
