"""Data manifests: one JSON a data set, with licence, source, sha256 and person-wise splits; where its files lie."""

from __future__ import annotations

import importlib.util
import os
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from monai_gan_recon.checks import check_counts, home_expanded, read_json
from monai_gan_recon.errors import about
from monai_gan_recon.resources import manifest_path

SECTIONS = ("training", "validation", "testing")
TEXTS = ("name", "title", "description", "licence", "licence_url", "citation", "source", "modality", "root")
MOST_REPEATS = 1000
"""Most often that a volume's slices count."""
LONGEST_NAME = 80
"""Letters of a data set's name, of which files of results are named."""
DATA_ENV = "MONAI_GAN_RECON_DATA"
PACKAGE_PREFIX = "package://"
_HASH_SUFFIX = "_sha256"

Entry = dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """What a manifest says of its data, with absolute file paths.

    Each entry of ``training``, ``validation`` and ``testing`` is a dictionary with ``image`` (absolute path),
    ``person`` (the split is by person), ``sha256``, and optionally ``session``, ``label`` and other files
    (each ``x`` with its ``x_sha256``).
    """

    name: str
    source: str
    file: Path
    dataset_dir: Path
    training: list[Entry] = field(default_factory=list)
    validation: list[Entry] = field(default_factory=list)
    testing: list[Entry] = field(default_factory=list)

    def section(self, section: str) -> list[Entry]:
        """Entries of one split ("training", "validation" or "testing"), all of whose files exist.

        Raises:
            ValueError: if the name is none of these, or if the manifest has no such entries.
            FileNotFoundError: if a file is missing.
        """
        if section not in SECTIONS:
            raise ValueError(f"unknown section {section!r} of a manifest; choose one of {', '.join(SECTIONS)}")
        entries: list[Entry] = getattr(self, section)
        if not entries:
            raise ValueError(f"manifest {self.name!r} ({self.file}) has no {section} entries; nothing to read")
        files = [entry[key] for entry in entries for key in file_keys(entry)]
        missing = [file for file in files if not Path(file).exists()]
        if missing:
            raise FileNotFoundError(
                f"manifest {self.name!r}: {len(missing)} of {len(files)} {section} files are missing, first "
                f"{missing[0]}; give the data set's folder with --dataset_dir, or set {DATA_ENV} "
                f"(where to get the data: {self.source})"
            )
        return entries

    def dataset_name(self, section: str = "testing") -> str:
        """What results of one split are of: the manifest's name, with the split's if that is not for testing."""
        return self.name if section == "testing" else f"{self.name}_{section}"


def read_manifest(name_or_path: str | os.PathLike[str]) -> tuple[Path, dict[str, Any]]:
    """File and content of a manifest as written, its form checked, its data not looked at.

    Raises:
        FileNotFoundError: if there is no such manifest.
        ValueError: if it is not JSON, a field has another type than it must have, an entry lacks its image or person,
            a path or ``root`` leaves the data set's folder, or a person is written in two ways.
    """
    path = manifest_path(name_or_path)
    content = read_json(path, "not a data manifest")
    if not any(section in content for section in SECTIONS):
        raise ValueError(f"{path}: not a data manifest, since it has none of the lists {', '.join(SECTIONS)}")
    for name in TEXTS:
        if not isinstance(content.get(name, ""), str):
            raise ValueError(f"{path}: {name!r} must be a text, not {content[name]!r:.200}")
    for section in SECTIONS:
        entries = content.get(section, [])
        if not isinstance(entries, list):
            raise ValueError(f"{path}: {section!r} must be a list of entries")
        for number, entry in enumerate(entries):
            where = f"{path}: {section} entry {number}"
            if not isinstance(entry, dict):
                raise ValueError(f"{where} must be an object with 'image' and 'person'")
            with about(where):
                _check_entry(entry)
    with about(path):
        check_name(content.get("name", ""))
        check_root(content.get("root", ""))
        one_spelling(entry["person"] for _, entry in all_entries(content))
    return path, content


def _check_entry(entry: Entry) -> None:
    for key in ("image", "person"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise ValueError(f"has no {key!r}")
    if not isinstance(entry.get("session", ""), str):
        raise ValueError(f"'session' must be a text, not {entry['session']!r:.200}")
    for key, stated in file_keys(entry).items():
        if not isinstance(stated, (str, type(None))):
            raise ValueError(f"the sha256 of {key!r} must be a text, not {stated!r:.200}")
        check_relative(entry[key])
    check_repeat(entry)


def check_repeat(entry: Mapping[str, Any]) -> None:
    """Raise a ValueError if an entry's ``repeat``, how often an epoch has its slices, is no whole number in bounds."""
    check_counts(most=MOST_REPEATS, **{f"repeat of {entry['image']}": entry.get("repeat", 1)})


def check_name(name: Any) -> None:
    """Raise a ValueError if a data set's name is none that results can be named by."""
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(f"'name' must be a line of at most {LONGEST_NAME} letters, not {name!r:.200}")


def one_spelling(people: Iterable[str]) -> None:
    """Raise a ValueError if a person is written in two ways: with other case, spaces or Unicode form."""
    spellings: dict[str, str] = {}
    for person in people:
        plain = " ".join(unicodedata.normalize("NFKC", person).casefold().split())
        if spellings.setdefault(plain, person) != person:
            raise ValueError(
                f"{spellings[plain]!r} and {person!r} would be two people; write one person in one way, and "
                "different people with different letters"
            )


def all_entries(content: Mapping[str, Any]) -> Iterator[tuple[str, Entry]]:
    """Section and entry of all that a manifest's content lists."""
    return ((section, entry) for section in SECTIONS for entry in content.get(section, []))


def dataset_folder(content: Mapping[str, Any], file: Path, dataset_dir: str | os.PathLike[str] | None) -> Path:
    """Folder that the relative paths of a manifest's content start from; ``file`` is the manifest's.

    With ``dataset_dir``: that folder, or its subfolder ``root``. Without: ``root`` under the folder that the
    environment variable MONAI_GAN_RECON_DATA names, else beside the manifest file. Among several, the first
    that holds an image.
    """
    root = str(content.get("root", ""))
    if dataset_dir is not None:
        given = home_expanded(dataset_dir).absolute()
        candidates = [given, given / root]
    else:
        beside = file.absolute().parent
        shared = os.environ.get(DATA_ENV)
        candidates = [Path(shared).absolute() / root, Path(shared).absolute()] if shared else []
        candidates += [beside / root, beside]
    images = [entry["image"] for _, entry in all_entries(content)]
    inside = [image for image in images if not image.startswith(PACKAGE_PREFIX)]
    found = (folder for folder in candidates if any((folder / image).exists() for image in inside))
    return Path(os.path.normpath(next(found, candidates[0])))


def people_in_two_splits(content: dict[str, Any]) -> dict[str, list[str]]:
    """People whose scans (of whatever session) lie in more than one split, with those splits."""
    found: dict[str, list[str]] = {}
    for section, person in dict.fromkeys((section, e["person"]) for section, e in all_entries(content)):
        found.setdefault(person, []).append(section)
    return {person: sections for person, sections in found.items() if len(sections) > 1}


def file_keys(entry: Mapping[str, Any]) -> dict[str, str | None]:
    """Keys of a manifest entry that name files, with the sha256 the manifest states for each (or ``None``).

    ``image`` (hash in ``sha256``) and ``label`` are files, and so is every key ``x`` beside which
    ``x_sha256`` stands.
    """
    keys: dict[str, str | None] = {"image": entry.get("sha256")}
    for key in entry:
        if key == "label" or f"{key}{_HASH_SUFFIX}" in entry:
            keys[key] = entry.get(f"{key}{_HASH_SUFFIX}")
    return keys


def check_relative(path: Any) -> None:
    """Raise a ValueError unless this is text that names a file within the data set's folder: relative, without ".."."""
    if not isinstance(path, str) or not path or _leaves(path.removeprefix(PACKAGE_PREFIX)):
        raise ValueError(f"file path {path!r} must be relative to the data set's folder, without '..'")


def check_root(root: Any) -> None:
    """Raise a ValueError unless a ``root`` is text that names a folder within the manifest's: relative, no ".."."""
    if not isinstance(root, str) or _leaves(root):
        raise ValueError(
            f"'root' {root!r} must be a folder beside the manifest, without '..'; give --dataset_dir for another"
        )


def _leaves(path: str) -> bool:
    plain = PurePosixPath(path.replace("\\", "/"))
    drive = os.name == "nt" and bool(PureWindowsPath(path).drive)
    no_name = "\0" in path or path.encode(errors="replace").decode() != path
    return no_name or plain.is_absolute() or ".." in plain.parts or drive


def same_file(path: str) -> str:
    """A manifest's path without what changes nothing of it: "./" and "//"."""
    return PurePosixPath(path).as_posix()


def package_path(path: str) -> Path:
    """Absolute path of ``package://<package>/<file>``; the package is located, never imported."""
    package, _, inside = path.removeprefix(PACKAGE_PREFIX).partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{path}: the Python package {package!r} is not installed; pip install {package}")
    return Path(next(iter(spec.submodule_search_locations))) / inside


def resolve(path: str, folder: Path) -> str:
    """Absolute path of one file of a manifest whose data set lies in ``folder``."""
    check_relative(path)
    return str(package_path(path) if path.startswith(PACKAGE_PREFIX) else folder / path)


def load_manifest(name_or_path: str | os.PathLike[str], dataset_dir: str | os.PathLike[str] | None = None) -> Manifest:
    """Read a manifest by name or path; file paths become absolute. Nothing in it is executed.

    Args:
        name_or_path: name of a shipped manifest ("oasis_malc", "embedded", ...) or a JSON file.
        dataset_dir: folder of the data; default: the manifest's ``root`` under MONAI_GAN_RECON_DATA when that
            is set and has the data, else the manifest's own folder. Paths ``package://nilearn/...`` lie in
            that installed package.

    Raises:
        FileNotFoundError: if the manifest is missing.
        ValueError: if it is malformed, or has one person in two splits.
    """
    path, content = read_manifest(name_or_path)
    for person, sections in people_in_two_splits(content).items():
        raise ValueError(
            f"{path}: person {person!r} is in {' and '.join(sections)}; a person belongs to one split only"
        )
    folder = dataset_folder(content, path, dataset_dir)
    lists: dict[str, list[Entry]] = {name: [] for name in SECTIONS}
    for name, entry in all_entries(content):
        lists[name].append(entry | {key: resolve(entry[key], folder) for key in file_keys(entry)})
    return Manifest(content.get("name", path.stem), content.get("source", ""), path, folder, **lists)
