"""Volumes for inference and evaluation: what to read, and what happens when one cannot be read."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai.data import Dataset
from torch.utils.data import DataLoader

from monai_gan_recon.checks import check_exists, check_output_dir, check_switches, home_expanded
from monai_gan_recon.data import Manifest, case_name, with_cases
from monai_gan_recon.data.cases import neutral_name
from monai_gan_recon.errors import failed
from monai_gan_recon.io import find_volumes, is_3d_scan, is_raw, own_plane
from monai_gan_recon.io.dicom import choose_series, is_dicom
from monai_gan_recon.io.formats import kind_by_name, visible
from monai_gan_recon.io.images import volumes_in
from monai_gan_recon.measurement.patterns import LINE_PATTERNS, POINT_PATTERNS, check_pattern
from monai_gan_recon.simulation.acquisition import FOREGROUND_THRESHOLD
from monai_gan_recon.vocabulary import PLANES


def input_entries(
    path: str | os.PathLike[str] | None,
    output_dir: str | os.PathLike[str] | None = None,
    keep_names: bool = False,
    series: str | int | None = None,
    axes: object = None,
) -> list[dict[str, Any]]:
    """Entries of a file, a DICOM folder, or a folder of volumes.

    Each has the image, its case, the plane of its acquisition, whether that is 3-D, its DICOM series, and a
    hash that tells the input, by its SeriesInstanceUID, or by its path, size and time.

    Args:
        path: see :func:`monai_gan_recon.io.find_volumes`.
        output_dir: folder of the results, which must not be in that of several volumes: the next run would read them.
        keep_names: name the results of DICOM by the folder or file, which often is a patient's name; else by a hash of
            the SeriesInstanceUID, see :func:`monai_gan_recon.data.cases.neutral_name`.
        series: which of the series of a DICOM folder, see :func:`monai_gan_recon.io.dicom.choose_series`.
        axes: see :func:`raw_files`.

    Returns:
        One dictionary a volume, never none.

    Raises:
        ValueError: if no path is given, the folder holds no volume, two volumes would share the name of their results,
            or these would lie among the volumes.
        FileNotFoundError: if the path does not exist.
    """
    if not isinstance(path, (str, os.PathLike)) or not str(path).strip():
        raise ValueError(
            f"no --input: give a NIfTI file, a DICOM folder, raw k-space or a folder of these, not {path!r}; "
            "./NAME for a name that looks like a number"
        )
    check_switches(keep_names=keep_names)
    given = check_exists(path)
    _refuse_output_in_input(given, output_dir)
    raw = raw_files(given, axes)
    others = volumes_in(given) if raw and given.is_dir() else []
    images = [other.name for other in others if other not in raw and other.suffix != ".npy"]  # that may be a mask
    if images:
        raise ValueError(f"{path}: holds raw k-space ({raw[0].name}) and images ({images[0]}); give them apart")
    volumes = raw or (find_volumes(given) if series is None else [given])
    entries = [entry for volume in volumes for entry in _entries(volume, keep_names, series)]
    folders: dict[str, list[str]] = {}
    for entry in entries:
        if "series" in entry and entry["series"].uid:
            folders.setdefault(entry["series"].uid, []).append(Path(entry["image"]).name)
    for names in folders.values():
        if len(names) > 1:
            raise ValueError(f"{path}: {' and '.join(names)} hold slices of one DICOM series; put them into one folder")
    twice = [case for case, count in Counter(entry["case"] for entry in entries).items() if count > 1]
    if twice:
        raise ValueError(
            f"{path}: several volumes are named {twice[0]!r}, their results would share a name; rename one"
        )
    for entry in entries:
        identity = getattr(entry.get("series"), "uid", "") or _state_of(entry["image"])
        entry["input"] = hashlib.sha256(os.fsencode(identity)).hexdigest()[:16]
    return entries


def _state_of(path: str) -> str:
    """The place of a file and when it was written: results of an older one of its name are not its own."""
    try:
        state = os.stat(path)
    except OSError:  # whoever reads it says why
        return os.path.abspath(path)
    return f"{os.path.abspath(path)} {state.st_size} {state.st_mtime_ns}"


def _entries(volume: Path, keep_names: bool, series: str | int | None) -> list[dict[str, Any]]:
    """One entry, or one a DICOM series."""
    of_disc = volume.is_dir() or volume.name.upper() == "DICOMDIR"
    if not of_disc and not is_dicom(volume):
        if series is not None and volume.exists():
            raise ValueError(f"{volume}: --series is for DICOM, and this is none")
        entry: dict[str, Any] = {"image": str(volume), "case": case_name(volume), "plane": None}
        if volume.exists():
            entry |= {
                "plane": None if _is_raw(volume, None) else own_plane(volume),
                "three_d": is_3d_scan(volume),
            }
        return [entry]
    try:
        chosen = choose_series(volume, series)
    except (ValueError, FileNotFoundError):
        if series is not None:
            raise
        # whoever reads the volume says what is wrong, and the others are done
        case = case_name(volume) if keep_names else neutral_name(str(volume.absolute()))
        return [{"image": str(volume), "case": case}]
    entries = []
    for place, item in enumerate(chosen, 1):
        folder = volume if len({other.path for other in chosen}) == 1 else item.path
        together = [other.number for other in chosen if other.path == item.path]
        name = item.number if item.number is not None and together.count(item.number) == 1 else f"volume{place}"
        case = case_name(folder) + (f"_{name}" if len(together) > 1 else "")
        if not keep_names and item.uid:
            case = neutral_name(item.uid)
        entries.append(
            {
                "image": str(folder),
                "case": case,
                "plane": item.own_plane,
                "three_d": item.acquisition == "3D",
                "series": item,
            }
        )
    return entries


def _refuse_output_in_input(path: Path, output_dir: str | os.PathLike[str] | None) -> None:
    """Results in a folder of volumes would be input the next time; links and ".." change nothing of it."""
    if output_dir is None or not path.is_dir():
        return
    linked = (os.path.dirname(os.path.realpath(entry)) for entry in os.scandir(path) if entry.is_symlink())
    results = Path(os.path.realpath(check_output_dir(output_dir)))
    if results.is_relative_to(os.path.realpath(path)) or str(results) in linked:
        raise ValueError(f"--output_dir: {output_dir} is in the folder of the input; give another one for the results")


def raw_files(path: str | os.PathLike[str] | None, axes: object = None) -> list[Path]:
    """Files of raw k-space that an input path stands for: itself, or all of a folder; empty if there is none.

    Beside others, those of a folder that say so by their name and cannot be opened count: whoever reads them says why.
    Where ``axes`` are stated, complex arrays are k-space, see :func:`monai_gan_recon.io.is_raw`.
    """
    if path is None:
        return []
    found = home_expanded(path)
    files = [file for file in visible(found) if file.suffix != ".hdr"] if found.is_dir() else [found]
    raw = {file: _is_raw(file, axes) for file in files if not file.is_dir()}
    return [file for file, sure in raw.items() if sure is not False] if any(raw.values()) else []


def _is_raw(file: Path, axes: object) -> bool | None:
    try:
        return is_raw(file, axes)
    except (ValueError, FileNotFoundError):
        return None if kind_by_name(file) in ("hdf5", "mat") else False


FEW_LINES = 0.2
"""Fraction of k-space below which whole lines blur one direction."""


@dataclass(frozen=True)
class Coverage:
    """Scans that the weights were trained on; of others, what is unusual about them.

    Args:
        rates: lowest and highest fraction of k-space.
        snr: lowest mean of the foreground over the standard deviation of the noise of its real and imaginary parts.
        coils: highest number of coils.
        patterns: sampling patterns.
        pattern: of the scans; None: as they were measured, whole lines or points.
        weights: file of the weights in use; None: the network needs none.
        shipped: file of the weights that this is of; nothing is known of others.

    Raises:
        ValueError: for an unknown pattern, or rates that are none.
    """

    rates: Sequence[float]
    snr: float
    coils: int
    patterns: Sequence[str]
    pattern: str | None = None
    weights: str | os.PathLike[str] | None = None
    shipped: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        for pattern in self.patterns:
            check_pattern(pattern)
        if len(self.rates) != 2 or not 0 <= self.rates[0] <= self.rates[1] <= 1:
            raise ValueError(f"covered#rates: two fractions of k-space, the lower one first, not {self.rates!r}")

    def __call__(self, output: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, str]:
        """What to be careful about, by what it is about; nothing where all is as in training.

        ``output`` is the evaluator's; the scan of ``entry`` is 3-D if it says so under ``three_d``.
        """
        if self.weights is None or self.shipped is None or not _same(self.weights, self.shipped):
            return {}
        lines, rate, coils = bool(output["lines"]), float(output["sampled_fraction"]), int(output["coils"])
        snr = foreground_snr(output)
        points = [pattern for pattern in self.patterns if pattern in POINT_PATTERNS]
        known = any(pattern in LINE_PATTERNS for pattern in self.patterns) if lines else bool(points)
        if self.pattern is not None:
            known = self.pattern in self.patterns
        found = {}
        if not known:
            name = self.pattern or ("whole lines" if lines else "points")
            found["Pattern"] = f"{name}; trained on {', '.join(self.patterns)}"
        if not round(self.rates[0], 3) <= round(rate, 3) <= round(self.rates[1], 3):
            low, high = (f"{100 * one:.3g}" for one in self.rates)
            found["Rate"] = f"{100 * rate:.3g} % of k-space; trained on {low} to {high} %"
        if snr is not None and snr < self.snr:
            found["SNR"] = f"about {snr:.2g}; trained on {self.snr:g} and above"
        if coils > self.coils:
            found["Coils"] = f"{coils}; trained on at most {self.coils}"
        if lines and points and entry.get("three_d") and rate < FEW_LINES:
            found["Advice"] = f"few lines lose detail, and the scan is 3-D: points ({points[0]}) would keep more"
        return found


def foreground_snr(output: Mapping[str, Any]) -> float | None:
    """SNR of a volume's middle third by the noise level that was used; None without noise."""
    noise_std = float(output["noise_std"].median())
    if noise_std <= 0:
        return None
    count = output["pred"].shape[1]
    middle = output["pred"][:, count // 3 : max(2 * count // 3, count // 3 + 1)]
    return float(middle[middle > FOREGROUND_THRESHOLD * middle.max()].mean()) / noise_std


def _same(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    return home_expanded(one).resolve() == home_expanded(other).resolve()


def manifest_entries(manifest: Manifest, section: str = "testing") -> list[dict[str, str]]:
    """Entries (image, case, person) of one split of a manifest, the cases' names unique."""
    return [
        {"image": str(entry["image"]), "case": entry["case"], "person": str(entry["person"])}
        for entry in with_cases(manifest.section(section))
    ]


def common_plane(entries: Sequence[Mapping[str, Any]]) -> str:
    """Plane to evaluate volumes in: that of their thick slices, where all are 2-D scans of one plane; else coronal."""
    found = {None if is_3d_scan(entry["image"]) else own_plane(entry["image"]) for entry in entries}
    return (found.pop() if len(found) == 1 else None) or PLANES[0]


class VolumeDataset(Dataset):
    """MONAI's data set of volumes, one dictionary each, never none, whose errors are one line each.

    Args:
        data: one dictionary a volume.
        transform: reads and prepares a volume.
        keep_going: True: an unreadable volume becomes an item with its message under ``error``; False:
            it is raised as a ValueError of one line.
        finished: called with the entry before the volume is read; a line if its results are there already.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        transform: Callable[..., Any],
        keep_going: bool = False,
        finished: Callable[[Mapping[str, Any]], str | None] | None = None,
    ) -> None:
        if not data:
            raise ValueError("there is no volume to reconstruct")
        super().__init__(data, transform)
        self.keep_going, self.finished = keep_going, finished

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Read and prepare one volume."""
        entry = dict(self.data[index])
        try:
            if self.finished is not None and (line := self.finished(entry)) is not None:
                return entry | {"finished": line}
            return dict(self.transform(entry))
        except (RuntimeError, ValueError, OSError) as error:
            return entry | failed(error, entry.get("image"), self.keep_going)


def volume_loader(dataset: VolumeDataset) -> DataLoader:
    """Data loader that gives one volume at a time, without batch axis, read in the main process."""
    return DataLoader(dataset, batch_size=None, num_workers=0, collate_fn=dict)
