"""The test sets: which people, which slices; and which others classical methods are tuned on."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import torch

from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.data import load_manifest
from monai_gan_recon.data.cases import with_cases
from monai_gan_recon.data.manifest import read_manifest
from monai_gan_recon.io import load_volume, own_plane, read_raw
from monai_gan_recon.metrics import MIN_FOREGROUND
from monai_gan_recon.simulation.acquisition import FOREGROUND_THRESHOLD
from monai_gan_recon.transforms import CropPadSlices, ScaleMinMax, SlicesOfPlane


@dataclass(frozen=True)
class Images:
    """Fully sampled magnitude volumes of a manifest, or of one file or folder outside of any.

    Attributes:
        source: name of the manifest; with ``person``, a path below the folder of the data sets.
        files: wildcard on the paths of the manifest's images.
        plane: of the slices; None: the acquisition's own.
        size: of the slices, cropped or padded; None: as they are.
        tuned_on: section of the manifest that classical methods are tuned on.
        person: of a source outside of any manifest, which is then tuned on itself.
    """

    source: str
    files: str = "*"
    plane: str | None = None
    size: tuple[int, int] | None = None
    tuned_on: str = "validation"
    person: str | None = None


@dataclass(frozen=True)
class RawScans:
    """Fully sampled raw k-space. Classical methods are tuned on the first person, since there is no one else.

    Attributes:
        files: person and path below the folder of the data sets.
        axes: of files that do not say it.
    """

    files: tuple[tuple[str, str], ...]
    axes: str | None = None


@dataclass(frozen=True)
class Case:
    """Slices of one scan.

    Attributes:
        person: the unit of the statistics.
        name: of the case, on which masks, phase and noise depend.
        numbers: of the slices in their volume.
        slices: magnitudes (1, N, H, W) in [0, 1], or raw k-space (N, coils, H, W).
        signal: mean magnitude of the volume's foreground, which the SNR refers to.
    """

    person: str
    name: str
    numbers: tuple[int, ...]
    slices: torch.Tensor
    signal: float = 0.0


def _ulf(contrast: str) -> RawScans:
    people = ("6A", "6B", "7A", "S6A")
    return RawScans(tuple((p, f"ulf_0055T/{p}_{contrast}.mat") for p in people), "h,w,slices")


_FULL = (256, 256)
TEST_SETS: dict[str, Images | RawScans] = {
    "oasis": Images("oasis_malc", plane="coronal", size=_FULL),
    "ds002748": Images("ds002748", plane="coronal", size=_FULL),
    "ds000011_T1": Images("heads_and_brains", "*ds000011/*_T1w.nii.gz", "coronal", _FULL, tuned_on="training"),
    "ds000011_T2": Images("heads_and_brains", "*ds000011/*_inplaneT2.nii.gz", tuned_on="training"),
    "ms_T1": Images("ms_heads", "*_T1W.nii.gz", tuned_on="training"),
    "ms_T2": Images("ms_heads", "*_T2W.nii.gz", tuned_on="training"),
    "ms_FLAIR": Images("ms_heads", "*_FLAIR.nii.gz", tuned_on="training"),
    "tumour_T1gd": Images("brain_tumour_progression", plane="axial"),
    "dicom_head": Images("dicom/fnndsc_mprage", plane="axial", size=_FULL, person="fnndsc"),
    "brain_8ch": RawScans((("brain_8ch", "kspace/brain_8ch_full.cfl"),)),
    "phantom_16ch": RawScans((("phantom", "twix/pulseq_16coil.dat"),)),
    "ulf_GRE": _ulf("GRE"),
    "ulf_FSE": _ulf("FSE"),
    "ulf_FLAIR": _ulf("FLAIR"),
    "embedded": Images("embedded", plane="coronal", size=_FULL, tuned_on="testing"),
}


def cases(
    name: str,
    data: Path,
    slices: int,
    tuning: bool = False,
    people: int | None = None,
    cache: Path | None = None,
) -> list[Case]:
    """Scans of a test set, with evenly spaced slices of each.

    Args:
        name: of :data:`TEST_SETS`.
        data: folder of the data sets.
        slices: of each scan, among those whose object fills a tenth of the frame.
        tuning: of the people that classical methods are tuned on, not of the test.
        people: at most so many, the first.
        cache: folder of prepared slices.

    Raises:
        ValueError: if the set is unknown or a scan has no such slice.
        FileNotFoundError: if a file is missing.
    """
    if name not in TEST_SETS:
        raise ValueError(f"unknown test set {name!r}: choose one of {', '.join(TEST_SETS)}")
    chosen = TEST_SETS[name]
    files = _files(chosen, data, tuning)
    kept = list(dict.fromkeys(person for person, _, _ in files))[:people]
    return [_prepared(chosen, person, case, path, slices, cache) for person, case, path in files if person in kept]


def _files(chosen: Images | RawScans, data: Path, tuning: bool) -> list[tuple[str, str, Path]]:
    """Person, case and path of each scan."""
    if isinstance(chosen, RawScans):
        files = [(person, Path(path).stem, data / path) for person, path in chosen.files]
        return files[:1] if tuning else files
    if chosen.person is not None:
        return [(chosen.person, Path(chosen.source).name, data / chosen.source)]
    root = str(read_manifest(chosen.source)[1].get("root", ""))
    section = chosen.tuned_on if tuning else "testing"
    entries = [
        entry
        for entry in load_manifest(chosen.source, data / root).section(section)
        if fnmatchcase(Path(entry["image"]).as_posix(), chosen.files)
    ]
    return [(str(e["person"]), str(e["case"]), Path(e["image"])) for e in with_cases(entries)]


def _prepared(chosen: Images | RawScans, person: str, case: str, path: Path, slices: int, cache: Path | None) -> Case:
    """One case, from the cache where it is there."""
    key = zlib.crc32(repr((asdict(chosen), str(path), path.stat().st_mtime_ns, slices)).encode())
    file = None if cache is None else cache / f"{case}-{key:08x}.npz"
    if file is None or not file.is_file():
        numbers, array, signal = (
            _raw(chosen, path, slices) if isinstance(chosen, RawScans) else _magnitudes(chosen, path, slices)
        )
        if file is not None:
            with atomic_path(file) as temporary, temporary.open("wb") as stream:
                np.savez(stream, numbers=numbers, slices=array, signal=signal)
    else:
        with np.load(file) as found:
            numbers, array, signal = found["numbers"], found["slices"], float(found["signal"])
    return Case(person, case, tuple(int(n) for n in numbers), torch.from_numpy(array), signal)


def _magnitudes(chosen: Images, path: Path, slices: int) -> tuple[np.ndarray, np.ndarray, float]:
    plane = chosen.plane or own_plane(path)
    scan = SlicesOfPlane(plane)(ScaleMinMax()(load_volume(path, plane)))
    scan = scan if chosen.size is None else CropPadSlices(chosen.size)(scan)
    volume: np.ndarray = torch.as_tensor(scan).as_subclass(torch.Tensor)[0].numpy()
    above = volume > FOREGROUND_THRESHOLD
    numbers = _spread(np.flatnonzero(above.mean(axis=(1, 2)) >= MIN_FOREGROUND), slices, path)
    return numbers, volume[None, numbers].astype(np.float32), float(volume[above].mean())


def _raw(chosen: RawScans, path: Path, slices: int) -> tuple[np.ndarray, np.ndarray, float]:
    raw = read_raw(path, chosen.axes)
    if not raw.sampled().all():
        raise ValueError(f"{path}: is not fully sampled, and so has no reference")
    numbers = _spread(np.arange(len(raw.kspace)), slices, path)
    return numbers, raw.kspace[numbers], 0.0


def _spread(among: np.ndarray, count: int, path: Path) -> np.ndarray:
    """So many numbers, evenly spaced, each in the middle of its share."""
    if not len(among):
        raise ValueError(f"{path}: has no slice whose object fills {MIN_FOREGROUND:.0%} of the frame")
    count = min(count, len(among))
    return among[((np.arange(count) + 0.5) / count * len(among)).astype(int)]
