"""Subcommands on data: ``info``, ``convert``, ``manifest build`` and ``manifest check``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from monai_gan_recon.checks import check_exists, home_expanded
from monai_gan_recon.cli.console import Outcome
from monai_gan_recon.errors import printable
from monai_gan_recon.resources import manifest_path


def add_commands(commands: Any, **shared: Any) -> None:
    """Add the subcommands to a parser."""
    info = commands.add_parser("info", help="what a file or folder holds, and what can be done with it", **shared)
    info.add_argument("input", metavar="INPUT", help="file or folder; identities of patients are not shown")
    info.add_argument("--axes", help="order of the axes of .npy and .mat with k-space, such as coils,h,w")
    info.set_defaults(run=_info)
    convert = commands.add_parser("convert", help="write raw k-space of any readable format as ISMRMRD", **shared)
    add = convert.add_argument
    add("source", help="fastMRI HDF5, ISMRMRD, BART .cfl, Siemens .dat, .npy or .mat")
    add("target", help="file to write, .h5 or .mrd")
    add("--axes", help="order of the axes of .npy and .mat, such as coils,h,w")
    add("--key", help="name of the array in a file that has several")
    add("--overwrite", action="store_true", help="replace a file that exists")
    convert.set_defaults(run=_convert)
    group = commands.add_parser("manifest", help="data manifests: build, check")
    _add_build(group.add_subparsers(metavar="ACTION", required=True), shared)


def _info(options: argparse.Namespace) -> Outcome:
    path = check_exists(options.input)
    from monai_gan_recon.data.found import find

    found = find(path, options.axes)
    volumes = [{name: value for name, value in asdict(item).items() if value not in (None, "")} for item in found]
    return Outcome("\n".join(map(str, found)), data={"volumes": volumes})


def _add_build(actions: Any, shared: dict[str, Any]) -> None:
    build = actions.add_parser(
        "build", help="manifest of a BIDS folder or a plain folder of NIfTIs, split by subject", **shared
    )
    add = build.add_argument
    add("folder", help="BIDS folder, or folder of NIfTIs")
    add("--output", required=True, help="JSON file to write")
    add("--name", help="name of the data set (default: name of the output file)")
    add("--licence", default="not stated", help="licence of the data")
    add("--citation", default="not stated", help="how to cite the data")
    people = "people in training,validation,testing (%(default)s)"
    add("--fractions", type=_fractions, default="0.7,0.1,0.2", help=people)
    add("--seed", type=int, default=0, help="seed of the split (%(default)s)")
    add("--suffix", help="end of the files' stems (default in BIDS: T1w)")
    add("--overwrite", action="store_true", help="replace an existing output file")
    build.set_defaults(run=_build)

    check = actions.add_parser(
        "check", help="split by subject, no image twice, every file there with its sha256", **shared
    )
    check.add_argument("manifest", help="shipped manifest (such as oasis_malc) or JSON file")
    check.add_argument("--dataset_dir", help="folder of the data")
    check.add_argument(
        "--hashes",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="compare the sha256 of every file",
    )
    check.set_defaults(run=_check)


def _convert(options: argparse.Namespace) -> Outcome:
    check_exists(options.source)
    from monai_gan_recon.io import convert

    file = convert(options.source, options.target, options.axes, options.key, options.overwrite)
    return Outcome("convert: done", [file], timed=True)


def _fractions(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


_fractions.__name__ = "comma-separated numbers"  # argparse: "invalid ... value"


def _build(options: argparse.Namespace) -> Outcome:
    check_exists(options.folder)
    from monai_gan_recon.data.build_manifest import FILES_ARE_PEOPLE, build_manifest, write_manifest

    names = ("folder", "output", "name", "licence", "citation", "fractions", "seed", "suffix")
    folder, output = home_expanded(options.folder), home_expanded(options.output)
    given = {name: getattr(options, name) for name in names} | {"folder": folder, "output": output}
    if output.exists() and not options.overwrite:
        raise ValueError(f"{output}: exists already; choose another name or give --overwrite")
    manifest = build_manifest(**given)
    write_manifest(manifest, output)
    counts = {name: len(entries) for name, entries in manifest.items() if isinstance(entries, list)}
    text = f"{output}: " + ", ".join(f"{count} {name}" for name, count in counts.items())
    if output.absolute().parent / manifest["root"] != folder.absolute():
        text += f"\n{folder} is not below the manifest's folder: give --dataset_dir {folder} with it"
    if FILES_ARE_PEOPLE in manifest["description"]:
        text += (
            f"\n{FILES_ARE_PEOPLE}: if one person has several, correct 'person' in {output}, and move all "
            "of them to one list"
        )
    return Outcome(text, [output], counts)


def _check(options: argparse.Namespace) -> Outcome:
    manifest_path(options.manifest)
    from monai_gan_recon.data.manifest_check import manifest_problems

    problems = manifest_problems(options.manifest, options.dataset_dir, options.hashes, progress=True)
    text = "\n".join(map(printable, problems)) or f"{options.manifest}: no problems found"
    return Outcome(text, data={"problems": problems}, code=1 if problems else 0)
