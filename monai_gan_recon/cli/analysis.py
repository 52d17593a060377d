"""Subcommands on images and labels: ``demo``, ``report``, ``regions`` and ``paired``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_gan_recon.checks import check_exists
from monai_gan_recon.cli.console import Outcome
from monai_gan_recon.cli.options import id_value
from monai_gan_recon.errors import printable
from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION, bundle_path

if TYPE_CHECKING:
    from monai_gan_recon.evaluation.paired.options import PairedOptions


def add_commands(commands: Any, **shared: Any) -> None:
    """Add the subcommands to a parser."""
    _add_demo(commands, shared)
    _add_report(commands, shared)
    _add_regions(commands, shared)
    _add_paired(commands, shared)


def _add_demo(commands: Any, shared: dict[str, Any]) -> None:
    demo = commands.add_parser(
        "demo", help="reconstruct an average brain at 10 %% and 50 %% of k-space, and segment it", **shared
    )
    demo.add_argument("--output_dir", default="outputs/demo", help="folder of the results (%(default)s)")
    demo.add_argument("--bundle", default=RECONSTRUCTION, help="reconstruction bundle (%(default)s)")
    demo.add_argument("--segmentation_bundle", default=SEGMENTATION, help="(%(default)s)")
    demo.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> Outcome:
    from monai_gan_recon.evaluation.demo import demo_segmenter, run_demo

    segmentation = demo_segmenter(options.segmentation_bundle)
    text = run_demo(options.output_dir, bundle_path(options.bundle), segmentation=segmentation)
    return Outcome(text, [Path(options.output_dir) / "demo.png"], timed=True)


def _add_report(commands: Any, shared: dict[str, Any]) -> None:
    report = commands.add_parser(
        "report", help="a page to look at any volume, beside its reference, its segmentation", **shared
    )
    add = report.add_argument
    add("image", metavar="IMAGE", help="such as a reconstruction: NIfTI, DICOM folder, NRRD or MetaImage")
    add("output_dir", metavar="OUTPUT", nargs="?", default=".", help="folder of the page (default: this one)")
    add("--zero_filled", metavar="FILE", help="another image on the same grid, to compare with")
    add("--reference", metavar="FILE", help="fully sampled image on the same grid: PSNR and SSIM are stated")
    add("--labels", metavar="FILE", help="label map on the same grid")
    add("--plane", choices=("coronal", "axial", "sagittal"), help="default: the acquisition's own")
    add("--overwrite", action="store_true", help="replace a page that exists")
    report.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> Outcome:
    for name in ("image", "zero_filled", "reference", "labels"):
        if (file := getattr(options, name)) is not None:
            check_exists(file)
    from monai_gan_recon.report.volumes import report_files

    files = report_files(**_given(options))
    return Outcome(f"{printable(options.image)}: report", list(files.values()), timed=True)


def _add_regions(commands: Any, shared: dict[str, Any]) -> None:
    regions = commands.add_parser(
        "regions", help="number the connected components of a label map; measure volumes and boxes", **shared
    )
    add = regions.add_argument
    add("labels", help="label map: NIfTI, NRRD or MetaImage, whole numbers")
    add("--output_dir", required=True, help="folder of the results")
    add("--case", help="name of the results (default: name of the file)")
    add("--minimum_size_mm3", type=float, default=0.0, help="leave smaller components out (%(default)s)")
    add("--connectivity", type=int, default=26, help="6, 18 or 26 neighbours (%(default)s)")
    add("--classes", type=int, nargs="+", help="labels to look at (default: all but 0)")
    add("--names", type=_label_name, nargs="+", default=[], metavar="LABEL=NAME", help="such as 1=csf 2=gm")
    add("--overwrite", action="store_true", help="replace results that exist")
    regions.set_defaults(run=_regions)


def _regions(options: argparse.Namespace) -> Outcome:
    check_exists(options.labels)
    from monai_gan_recon.segmentation.regions import report_regions

    count, files = report_regions(**_given(options) | {"names": dict(options.names)})
    return Outcome(f"{printable(options.labels)}: {count} instances", files, {"instances": count}, timed=True)


def _add_paired(commands: Any, shared: dict[str, Any]) -> None:
    paired = commands.add_parser(
        "paired",
        help="segment original, zero-filled and reconstructed volumes and compare the segmentations",
        argument_default=argparse.SUPPRESS,  # the defaults are those of PairedOptions
        **shared,
    )
    add = paired.add_argument
    add("--datalist", help="name or file of a data manifest")
    add("--dataset_dir", help="root of its files (default: as the manifest says)")
    add("--section", help="list of the manifest (testing)")
    add("--rates", type=float, nargs="+", help="fractions of k-space that are sampled (0.1 0.5)")
    add("--pattern", help="sampling pattern (gaussian1d)")
    add("--axis", type=int, help="lines are columns (-1, the default) or rows (-2)")
    add("--plane", help="plane of the slices that are undersampled (coronal)")
    add("--size", nargs="+", metavar="N", help="height and width of the slices (256 256), or null: whole")
    add("--track", help="replica (the default), or simulated: with phase and noise")
    add("--snr", type=float, help="of the simulated track")
    add("--seed", type=int, help="of the sampling patterns")
    add("--bundle", help="name or folder of the reconstruction bundle")
    add("--weights", help="of the reconstruction network (default: the bundle's)")
    add("--set", **_SETTINGS, help="another item of the bundle's evaluate.yaml")
    add("--segmentation", help="network (the default), or mixture: unsupervised")
    add("--segmentation_bundle", help="name or folder of the segmentation bundle")
    add("--segmentation_weights", help="of the segmentation network (default: the bundle's)")
    add("--segmentation_set", **_SETTINGS, help="an item of its inference.yaml, such as bias_field=false")
    add("--device", help="such as cpu or cuda:0 (default: a GPU if there is one)")
    add("--output_dir", help="folder of the results (outputs/paired)")
    add("--figures", type=int, help="number of scans to draw")
    paired.set_defaults(run=_paired)


def _paired(options: argparse.Namespace) -> Outcome:
    from monai_gan_recon.engines import keep_freed_memory
    from monai_gan_recon.evaluation.paired.run import run_paired
    from monai_gan_recon.evaluation.tables import paired_table

    chosen = paired_options(options)
    keep_freed_memory()
    results = run_paired(chosen)
    return Outcome(paired_table(results), [Path(chosen.output_dir) / "metrics.json"], timed=True)


def paired_options(options: argparse.Namespace) -> PairedOptions:
    """Options of the library's paired evaluation, of what was typed."""
    from monai_gan_recon.bundle import typed_values
    from monai_gan_recon.evaluation.paired.options import PairedOptions

    given = _given(options)
    if "size" in given:  # 256 256, [256,256] or null
        words = given["size"]
        given |= typed_values({"size": words[0] if len(words) == 1 else f"[{','.join(words)}]"})
    for name in {"set", "segmentation_set"} & set(given):
        given[name] = typed_values(dict(given[name]))
    return PairedOptions(**given)


def _given(options: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in vars(options).items() if name not in _NOT_OF_THE_LIBRARY}


def _label_name(text: str) -> tuple[int, str]:
    label, name = id_value(text)
    if not label.isdecimal() or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not a label and its name, such as 1=tumour")
    return int(label), name


_NOT_OF_THE_LIBRARY = ("run", "command", "json", "verbose")
_SETTINGS: dict[str, Any] = {"action": "append", "type": id_value, "metavar": "ID=VALUE"}
