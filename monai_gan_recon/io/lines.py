"""From a table of readouts, as ISMRMRD and twix files are, to slices of k-space with their place in space."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ismrmrd
import numpy as np

from .geometry import from_lps, is_valid
from .raw import RawScan, to_image

Lines = Callable[[np.ndarray], Iterable[np.ndarray]]
"""Indices of readouts → their samples, complex (coils, samples), in this order."""

_NOT_IMAGE = (
    ismrmrd.ACQ_IS_NAVIGATION_DATA,
    ismrmrd.ACQ_IS_PHASECORR_DATA,
    ismrmrd.ACQ_IS_DUMMYSCAN_DATA,
    ismrmrd.ACQ_IS_RTFEEDBACK_DATA,
    ismrmrd.ACQ_IS_HPFEEDBACK_DATA,
    ismrmrd.ACQ_IS_SURFACECOILCORRECTIONSCAN_DATA,
    ismrmrd.ACQ_IS_PHASE_STABILIZATION,
    ismrmrd.ACQ_IS_PHASE_STABILIZATION_REFERENCE,
)
_MOST_EMPTY = 256
"""Most samples of an encoded matrix for each measured one."""
_LARGEST = 1e9
_COUNTERS = ("contrast", "repetition", "average", "phase", "set")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Encoding:
    """How a scan was encoded: along the readout and the two phase encodings.

    Attributes:
        size: samples of the encoded matrix; three lengths.
        centre: numbers of the phase-encoding steps at the zero frequency.
        fov: encoded field of view in mm; for 2-D scans the third is the slice thickness.
        recon_size: reconstructed matrix, if known.
        oversampling: encoded over reconstructed field of view along the readout.
        volume: whether there are two phase encodings (3-D scan).
        embedded: whether lines measured for calibration only belong to the same scan, and may fill its k-space.
        noise_bandwidth: mean noise over the whole receiver bandwidth, relative to that in its middle.
    """

    size: tuple[int, int, int]
    centre: tuple[int, int]
    fov: tuple[float, float, float]
    recon_size: tuple[int, int, int] | None
    oversampling: float
    volume: bool
    embedded: bool = True
    noise_bandwidth: float = 1.0


def assemble(heads: np.ndarray, lines: Lines, encoding: Encoding, source: str) -> RawScan:
    """Sort readouts into slices.

    Navigators and the like are left out. Of several contrasts, repetitions, averages, phases or sets the first is
    taken, with a warning. Partial echoes and partial Fourier leave zeros. ``heads`` are ISMRMRD's acquisition headers,
    one a readout, whose samples ``lines`` gives; ``source`` is the kind of file.

    Raises:
        ValueError: if there is no image data, or readouts do not fit the encoding.
    """
    image, noise = _select(heads, encoding.embedded)
    chosen = heads[image]
    coils = np.unique(chosen["active_channels"])
    if coils.size > 1:
        raise ValueError(f"its readouts have {' and '.join(map(str, coils))} coils; give a scan with one coil array")
    (nx, ny, nz), numbers = encoding.size, np.unique(chosen["idx"]["slice"])
    if encoding.volume and numbers.size > 1:
        raise ValueError(f"holds {numbers.size} slabs of 3-D k-space; give one slab")
    with np.errstate(all="ignore"):
        order, affine = _geometry(chosen, numbers, encoding)
    if affine is not None and not is_valid(affine):
        logger.warning("its directions or positions are no numbers of a place; they are not used")
        affine = None
    place = {int(number): index for index, number in enumerate(numbers[order])}
    row = _placed(chosen, 1, encoding.centre[0], ny)
    column = _placed(chosen, 2, encoding.centre[1], nz) if encoding.volume else np.zeros(len(image), int)
    # of lines at one place the first is kept, and an imaging line before one for calibration
    keys = np.stack([chosen["idx"]["slice"].astype(int), row, column])
    first = np.sort(np.unique(keys, axis=1, return_index=True)[1])
    if first.size < image.size:
        logger.warning("%d of %d lines are repeated; the first is taken", image.size - first.size, image.size)
    length = round(nx / encoding.oversampling) if encoding.volume else nx
    shape = (length, coils[0], ny, nz) if encoding.volume else (numbers.size, coils[0], nx, ny)
    measured = int(chosen["number_of_samples"].sum(dtype=np.int64)) * int(coils[0])
    if math.prod(map(int, shape)) > _MOST_EMPTY * measured:
        raise ValueError(
            f"its header announces {' x '.join(map(str, shape))} samples, and its {len(image)} readouts fill few; "
            "header and data are not of the same scan, or one is damaged"
        )
    kspace = np.zeros(shape, np.complex64)
    for index, line in zip(first, lines(image[first]), strict=True):
        head = chosen[index]
        full = _full_readout(line, head, nx)
        if encoding.volume:
            kspace[:, :, row[index], column[index]] = to_image(full, length).T
        else:
            kspace[place[int(head["idx"]["slice"])], :, :, row[index]] = full
    size = encoding.recon_size
    return RawScan(
        kspace,
        noise=_noise(heads[noise], lines(noise), chosen[0], encoding) if noise.size else None,
        affine=affine,
        readout_oversampling=1.0 if encoding.volume else encoding.oversampling,
        readout=not encoding.volume,
        matrix=None if size is None else (size[1:] if encoding.volume else size[:2]),
        source=source,
    )


def _select(heads: np.ndarray, embedded: bool) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the image's readouts, those for calibration only last, and of the noise scan's."""

    def has(*flags: int) -> np.ndarray:
        return (heads["flags"] & np.uint64(sum(1 << (flag - 1) for flag in flags))) != 0

    noise = has(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)
    calibration = has(ismrmrd.ACQ_IS_PARALLEL_CALIBRATION) & ~has(ismrmrd.ACQ_IS_PARALLEL_CALIBRATION_AND_IMAGING)
    image = ~noise & ~has(*_NOT_IMAGE)
    if (others := image & (heads["encoding_space_ref"] != 0)).any():
        logger.warning("%d of %d lines are of another encoding than the first, and left out", others.sum(), image.sum())
        image &= ~others
    if not embedded and (image & calibration).any():
        logger.warning("the lines of a separate calibration scan are left out")
        image &= ~calibration
    if not image.any():
        raise ValueError("holds no lines of an image")
    for counter in _COUNTERS:
        values = heads["idx"][counter]
        found = np.unique(values[image])
        if found.size > 1:
            logger.warning("of %d values of %r the first is read", found.size, counter)
            image &= values == found[0]
    chosen = np.flatnonzero(image)
    return chosen[np.argsort(calibration[chosen], kind="stable")], np.flatnonzero(noise)


def _noise(heads: np.ndarray, lines: Iterable[np.ndarray], image: np.void, encoding: Encoding) -> np.ndarray:
    """Noise as strong as that of the image's samples, which are taken in another time than the noise scan's.

    The variance goes with the receiver bandwidth, 1 / time of a sample; see Gadgetron's NoiseAdjustGadget.
    """
    own, other = heads["sample_time_us"].astype(float), float(image["sample_time_us"])
    known = (own > 0) & (other > 0)
    scale = np.sqrt(np.where(known, own / (other or 1) / encoding.noise_bandwidth, 1))
    return np.concatenate([line * factor for line, factor in zip(lines, scale, strict=True)], axis=1).astype(
        np.complex64
    )


def _placed(heads: np.ndarray, axis: int, centre: int, length: int) -> np.ndarray:
    step = heads["idx"][f"kspace_encode_step_{axis}"].astype(int)
    whole = step.max() - step.min() + 1 == length  # then all lines are there, whatever centre the file names
    index = step - (step.min() if whole else centre - length // 2)
    if index.min() < 0 or index.max() >= length:
        raise ValueError(
            f"its phase-encoding steps {step.min()} to {step.max()} about {centre} do not fit the {length} of its "
            "header; header and data are not of the same scan, or one is damaged"
        )
    return np.asarray(index)


def _full_readout(line: np.ndarray, head: np.ndarray, length: int) -> np.ndarray:
    """Samples (coils, ``length``) with the echo at ``length // 2``."""
    pre, post, samples = int(head["discard_pre"]), int(head["discard_post"]), line.shape[1]
    centre = int(head["center_sample"]) - pre
    line = line[:, pre : samples - post]
    samples = line.shape[1]
    if int(head["flags"]) & (1 << (ismrmrd.ACQ_IS_REVERSE - 1)):
        line, centre = line[:, ::-1], samples - 1 - centre
    # a whole readout is where it is, even if the file names another centre, or none
    start = length // 2 - centre if samples < length else 0
    if start < 0 or start + samples > length:
        raise ValueError(
            f"a readout of {samples} samples about sample {centre} does not fit the {length} of its header; "
            "header and data are not of the same scan, or one is damaged"
        )
    full = np.zeros((line.shape[0], length), np.complex64)
    full[:, start : start + samples] = line
    return full


def _geometry(heads: np.ndarray, numbers: np.ndarray, encoding: Encoding) -> tuple[np.ndarray, np.ndarray | None]:
    """Order of the slices in space, and the affine of (slice, h, w)."""
    heads = heads[[int(np.argmax(heads["idx"]["slice"] == number)) for number in numbers]]
    as_numbered, first = np.arange(numbers.size), heads[0]
    read, phase, across = (first[name].astype(float) for name in ("read_dir", "phase_dir", "slice_dir"))
    directions = np.stack([read, phase, across], axis=1)
    spacing = np.array(encoding.fov) / encoding.size
    if np.abs(directions.T @ directions - np.eye(3)).max() > 1e-2 or min(spacing) <= 0:
        return as_numbered, None
    if encoding.volume:
        size = (round(encoding.size[0] / encoding.oversampling), *encoding.size[1:])
        middle = (directions * spacing) @ [length // 2 for length in size]
        return as_numbered, from_lps(directions * spacing, first["position"] - middle)
    positions = heads["position"].astype(float)
    along = (positions - positions[0]) @ across
    order = np.argsort(along if along[-1] >= 0 else -along, kind="stable")  # mostly as numbered, not against it
    steps = np.diff(positions[order], axis=0)
    if steps.size and (np.linalg.norm(steps[0]) < 1e-3 or np.abs(steps - steps[0]).max() > 0.02 * np.abs(steps).max()):
        logger.warning("slices are not evenly spaced in the file; their positions are not used")
        return as_numbered, None
    inside = directions[:, :2] * spacing[:2]
    middle = inside @ [encoding.size[0] // 2, encoding.size[1] // 2]
    step = steps[0] if steps.size else across * encoding.fov[2]
    return order, from_lps(np.column_stack([step, inside]), positions[order[0]] - middle)


def number(header: Any, way: str, default: float | None = None, least: float = -_LARGEST) -> float:
    """A number of a header, by the way to it: names of elements, keys, and places in lists, with dots between.

    A ValueError if it is not there and has no default, is no number, or is out of range.
    """
    for word in way.split("."):
        if isinstance(header, Mapping):
            header = header.get(word)
        elif isinstance(header, list):
            header = header[int(word)] if int(word) < len(header) else None
        else:
            header = getattr(header, word, None)
    value = default if header is None or header == "" else header
    if isinstance(value, str):
        with suppress(ValueError):
            value = float(value)
    if not isinstance(value, (int, float)) or not least <= value <= _LARGEST:  # NaN neither
        raise ValueError(f"its header has no number as {way}; it is damaged")
    return float(value)


def blocks(indices: np.ndarray, size: int = 256) -> Iterator[np.ndarray]:
    """Indices in portions, so that a large file is not in memory twice."""
    for start in range(0, len(indices), size):
        yield indices[start : start + size]
