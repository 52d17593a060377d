"""Subcommands on data: ``convert``, ``manifest build`` and ``manifest check``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from monai_gan_recon.checks import home_expanded


def add_commands(commands: Any) -> None:
    """Add the subcommands to a parser."""
    convert = commands.add_parser("convert", help="write raw k-space of any readable format as ISMRMRD")
    add = convert.add_argument
    add("source", type=Path, help="fastMRI HDF5, ISMRMRD, BART .cfl, Siemens .dat, .npy or .mat")
    add("target", type=Path, help="file to write, .h5 or .mrd")
    add("--axes", help="order of the axes of .npy and .mat, such as coils,h,w")
    add("--key", help="name of the array in a file that has several")
    add("--overwrite", action="store_true", help="replace a file that exists")
    convert.set_defaults(run=_convert)
    group = commands.add_parser("manifest", help="data manifests: build, check")
    _add_build(group.add_subparsers(metavar="ACTION", required=True))


def _add_build(actions: Any) -> None:
    build = actions.add_parser(
        "build", help="manifest of a BIDS folder or a plain folder of NIfTIs, split by person"
    )
    add = build.add_argument
    add("folder", type=home_expanded, help="BIDS folder, or folder of NIfTIs")
    add("--output", type=home_expanded, required=True, help="JSON file to write")
    add("--name", help="name of the data set (default: name of the output file)")
    add("--licence", default="not stated", help="licence of the data")
    add("--citation", default="not stated", help="how to cite the data")
    add("--fractions", type=_fractions, default="0.7,0.1,0.2", help="people in training,validation,testing")
    add("--seed", type=int, default=0, help="seed of the split")
    add("--suffix", help="end of the files' stems (default in BIDS: T1w)")
    add("--overwrite", action="store_true", help="replace an existing output file")
    build.set_defaults(run=_build)

    check = actions.add_parser(
        "check", help="split by person, no image twice, every file there with its sha256"
    )
    check.add_argument("manifest", help="shipped manifest (such as oasis_malc) or JSON file")
    check.add_argument("--dataset_dir", help="folder of the data")
    check.add_argument("--no_hashes", action="store_true", help="only look whether the files are there")
    check.set_defaults(run=_check)


def _convert(options: argparse.Namespace) -> None:
    from monai_gan_recon.io import convert

    print(convert(options.source, options.target, options.axes, options.key, options.overwrite))


def _fractions(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


_fractions.__name__ = "comma-separated numbers"  # argparse: "invalid ... value"


def _build(options: argparse.Namespace) -> None:
    from monai_gan_recon.data.build_manifest import FILES_ARE_PEOPLE, build_manifest, write_manifest

    given = dict(vars(options))
    overwrite = given.pop("overwrite")
    del given["run"]
    if options.output.exists() and not overwrite:
        raise ValueError(f"{options.output}: exists already; choose another name or give --overwrite")
    manifest = build_manifest(**given)
    write_manifest(manifest, options.output)
    lists = {name: entries for name, entries in manifest.items() if isinstance(entries, list)}
    if options.output.absolute().parent / manifest["root"] != options.folder.absolute():
        print(
            f"{options.folder} is not below the manifest's folder: give --dataset_dir {options.folder} with it"
        )
    print(f"{options.output}: " + ", ".join(f"{len(entries)} {name}" for name, entries in lists.items()))
    if FILES_ARE_PEOPLE in manifest["description"]:
        print(
            f"{FILES_ARE_PEOPLE}: if one person has several, correct 'person' in {options.output}, and move all "
            "of them to one list"
        )


def _check(options: argparse.Namespace) -> int:
    from monai_gan_recon.data.manifest_check import manifest_problems

    problems = manifest_problems(options.manifest, options.dataset_dir, not options.no_hashes, progress=True)
    print("\n".join(problems) or f"{options.manifest}: no problems found")
    return 1 if problems else 0
