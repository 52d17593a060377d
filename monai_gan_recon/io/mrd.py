"""ISMRMRD (MRD) raw data in HDF5 (Inati et al., Magn Reson Med 2017;77:411), read and written."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import ismrmrd
import numpy as np
from ismrmrd.hdf5 import acquisition_dtype, acquisition_header_dtype

from ..atomic import atomic_path
from ..checks import home_expanded
from ..errors import printable, refusing
from .arrays import DAMAGED, check_heaps, check_size, complex_array, open_hdf5
from .geometry import LPS_TO_RAS, lengths
from .lines import Encoding, assemble, blocks, number
from .raw import RawScan

_SUFFIXES = (".h5", ".mrd")
_GROUP = "dataset"
_MAPS = "maps"
_HEADER_DAMAGED = "its ISMRMRD header cannot be read; it is damaged"


def is_ismrmrd(path: Path) -> bool:
    """Whether an HDF5 file has a group with ISMRMRD's header and acquisitions."""
    try:
        with open_hdf5(path) as file:
            return bool(_groups(file))
    except ValueError:
        return False  # damaged: who reads it says so


def _groups(file: h5py.File) -> dict[str, h5py.Group]:
    with refusing(ValueError(DAMAGED)):
        return {
            name: item for name, item in file.items() if isinstance(item, h5py.Group) and {"xml", "data"} <= set(item)
        }


def read(path: Path, axes: str | None, key: str | None) -> RawScan:
    """Read a Cartesian scan; see :func:`monai_gan_recon.io.read_raw` and :func:`.lines.assemble`."""
    if axes is not None:
        raise ValueError("is an ISMRMRD file, which says itself what its axes are; leave axes out")
    check_heaps(path)
    with open_hdf5(path) as file:
        groups = _groups(file)
        only = next(iter(groups)) if len(groups) == 1 else _GROUP
        group = groups.get(only if key is None else key)
        if group is None:
            raise ValueError(f"holds the scans {', '.join(groups)}; give the name of one as key")
        scan = _read(group)
        if _MAPS not in group:
            return scan
        with refusing(ValueError(DAMAGED)):
            maps = group[_MAPS]
        return replace(scan, maps=complex_array(maps)[0].astype(np.complex64))


def _read(group: h5py.Group) -> RawScan:
    with refusing(ValueError(DAMAGED)):
        data, text = group["data"], group["xml"]
    _check_lengths(check_size(data))
    check_size(text)
    with refusing(ValueError(DAMAGED)):
        heads, xml = data.fields("head")[:], text[0]
    encoding = _encoding(xml, heads)

    def lines(indices: np.ndarray) -> Iterator[np.ndarray]:
        for block in blocks(indices):
            start = block.min()
            with refusing(ValueError(DAMAGED)):
                values = data.fields("data")[start : block.max() + 1]
            for index in block:
                shape = (int(heads[index]["active_channels"]), int(heads[index]["number_of_samples"]))
                line = values[index - start]
                if line.size != 2 * shape[0] * shape[1]:
                    raise ValueError(
                        f"readout {index} has {line.size // 2} numbers, and its header announces {shape[0]} coils x "
                        f"{shape[1]} samples; header and data are not of the same scan"
                    )
                yield line.view(np.complex64).reshape(shape)

    return assemble(heads, lines, encoding, "ISMRMRD")


def _check_lengths(data: h5py.Dataset) -> None:
    """Raise a ValueError for readouts that are longer than their file, before HDF5 asks for memory for them."""
    fields, chunks = data.dtype.fields or {}, []
    places = [fields[name][1] for name in ("traj", "data") if name in fields]  # length, address, number
    with refusing(ValueError(DAMAGED)):
        if data.chunks == (1,) and data.id.get_create_plist().get_nfilters() == 0:  # as ISMRMRD's library writes
            data.id.chunk_iter(lambda chunk: chunks.append(chunk.byte_offset))
    file = np.memmap(data.file.filename, np.uint8, mode="r")
    if max(chunks, default=0) > file.size:  # they may be beyond 2^63
        raise ValueError(DAMAGED)
    for place in places:
        start = np.array(chunks, dtype=np.int64) + place
        if start.size == 0:
            continue
        if start.max() + 4 > file.size:
            raise ValueError(DAMAGED)
        numbers = np.ascontiguousarray(file[start[:, None] + np.arange(4)]).view("<u4")
        if numbers.sum(dtype=np.int64) * 4 > file.size:
            raise ValueError("its readouts are longer than the file; it is damaged or truncated")


def _encoding(xml: bytes, heads: np.ndarray) -> Encoding:
    header = read_header(xml)
    size, fov, recon_size, oversampling = spaces(header)
    encoding = header.encoding[0]
    trajectory = getattr(encoding.trajectory, "value", encoding.trajectory)
    if trajectory != "cartesian":
        raise ValueError(f"is a scan on a {printable(trajectory)} trajectory; only Cartesian scans are read")
    steps = [getattr(encoding.encodingLimits, f"kspace_encoding_step_{axis}", None) for axis in (1, 2)]
    centre = [int(number(step, "center", least=0)) if step else n // 2 for step, n in zip(steps, size[1:], strict=True)]
    partitions = int(number(steps[1], "maximum", least=0)) if steps[1] else 0
    mode = getattr(encoding.parallelImaging, "calibrationMode", None)
    return Encoding(
        size,
        (centre[0], centre[1]),
        fov,
        recon_size,
        oversampling,
        volume=size[2] > 1 and max(partitions, int(heads["idx"]["kspace_encode_step_2"].max(initial=0))) > 0,
        embedded=mode is None or getattr(mode, "value", mode) in ("embedded", "interleaved"),
        noise_bandwidth=number(header, "acquisitionSystemInformation.relativeReceiverNoiseBandwidth", 1, 1e-3),
    )


def read_header(xml: bytes | str) -> ismrmrd.xsd.ismrmrdHeader:
    """ISMRMRD's header, parsed; values that are not of their type stay text. A ValueError if it is damaged."""
    with refusing(ValueError(_HEADER_DAMAGED)):
        return ismrmrd.xsd.CreateFromDocument(xml)


def spaces(
    header: ismrmrd.xsd.ismrmrdHeader,
) -> tuple[tuple[int, int, int], tuple[float, float, float], tuple[int, int, int], float]:
    """Matrix, field of view in mm, reconstructed matrix and oversampling of the first encoding of a header."""
    first = header.encoding[0] if header.encoding else None
    size, recon = (
        [int(number(first, f"{s}Space.matrixSize.{x}", least=1)) for x in "xyz"] for s in ("encoded", "recon")
    )
    fov = [number(first, f"encodedSpace.fieldOfView_mm.{axis}") for axis in "xyz"]
    own = number(first, "reconSpace.fieldOfView_mm.x")
    if fov[0] <= 0 or own <= 0:
        raise ValueError(_HEADER_DAMAGED)
    return tuple(size), tuple(fov), tuple(recon), fov[0] / own  # type: ignore[return-value]


def check_name(path: str | os.PathLike[str]) -> Path:
    """The path; a ValueError if its name does not end in ".h5" or ".mrd"."""
    path = home_expanded(path)
    if path.suffix.lower() not in _SUFFIXES:
        raise ValueError(f"{path}: an ISMRMRD file's name must end in .h5 or .mrd")
    return path


def write_ismrmrd(scan: RawScan, path: str | os.PathLike[str]) -> Path:
    """Write a scan as ISMRMRD: the measured lines, the noise scan, the coil maps (as array "maps").

    Slices across the readout of a 3-D scan are transformed back along it, so that the file holds a 3-D scan. An
    existing file, ".h5" or ".mrd", is replaced when all is written.

    Raises:
        ValueError: if the name ends otherwise.
        OSError: if it cannot be written; nothing is left behind then.
    """
    path = check_name(path)
    heads, samples = _heads(scan)
    with atomic_path(path) as temporary, _Target(temporary, "w+") as target, h5py.File(target, "w") as file:
        group = file.create_group(_GROUP)
        group.create_dataset("xml", (1,), dtype=h5py.special_dtype(vlen=bytes))[0] = _header(scan)
        data = group.create_dataset("data", (len(heads),), acquisition_dtype, maxshape=(None,))
        for block in blocks(np.arange(len(heads))):
            records = np.empty(len(block), acquisition_dtype)
            records["head"] = heads[block]
            target.check()
            for record, index in zip(records, block, strict=True):
                record["traj"] = np.empty(0, np.float32)
                record["data"] = np.ascontiguousarray(samples(index)).view(np.float32).ravel()
            data[block[0] : block[-1] + 1] = records
        if scan.maps is not None:
            pairs = np.dtype([("real", "<f4"), ("imag", "<f4")])
            group[_MAPS] = np.ascontiguousarray(scan.maps)[None].view(pairs)
    return path


class _Target(io.FileIO):
    """A file for HDF5, which crashes if it cannot write: an error is kept until HDF5 has closed the file."""

    error: OSError | None = None

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while len(rest) and self.error is None:
                rest = rest[super().write(rest) or 0 :]
        except OSError as error:
            error.filename, self.error = self.name, error
        return size

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    def __exit__(self, *_: object) -> None:
        self.close()
        self.check()


def _heads(scan: RawScan) -> tuple[np.ndarray, Callable[[int], np.ndarray]]:
    """Headers of all readouts, and a function index → samples (coils, samples)."""
    slices, coils, height, width = scan.kspace.shape
    sampled = scan.sampled()
    if scan.readout:
        number, row = np.nonzero(sampled.any(axis=1))
        column = np.zeros_like(row)
    else:
        row, column = np.nonzero(sampled.any(axis=0))
        number = np.zeros_like(row)
    noise = 0 if scan.noise is None else 1
    heads = np.zeros(noise + len(row), acquisition_header_dtype)
    heads["version"], heads["available_channels"], heads["active_channels"] = 1, coils, coils
    heads["scan_counter"] = np.arange(len(heads))
    image = heads[noise:]
    image["number_of_samples"] = height if scan.readout else slices
    image["center_sample"] = image["number_of_samples"] // 2
    image["idx"]["slice"], image["idx"]["kspace_encode_step_1"] = number, row
    image["idx"]["kspace_encode_step_2"] = column
    if scan.affine is not None:
        matrix = LPS_TO_RAS @ scan.affine
        middle = [number, np.full(len(row), height // 2), np.full(len(row), width // 2)]
        if not scan.readout:
            middle[0] = np.full(len(row), slices // 2)
        image["position"] = (matrix[:3, :3] @ middle).T + matrix[:3, 3]
        unit = matrix[:3, :3] / lengths(matrix)
        names = ("slice_dir", "read_dir", "phase_dir") if scan.readout else ("read_dir", "phase_dir", "slice_dir")
        for name, direction in zip(names, unit.T, strict=True):
            image[name] = direction
    if scan.noise is not None:
        heads[0]["flags"] = 1 << (ismrmrd.ACQ_IS_NOISE_MEASUREMENT - 1)
        heads[0]["number_of_samples"] = scan.noise.shape[1]

    def samples(index: int) -> np.ndarray:
        if index < noise:
            assert scan.noise is not None
            return scan.noise
        at = index - noise
        if scan.readout:
            return np.where(sampled[number[at], :, row[at]], scan.kspace[number[at], :, :, row[at]], 0)
        line = np.where(sampled[:, row[at], column[at]], scan.kspace[:, :, row[at], column[at]].T, 0)
        line = np.fft.fft(np.fft.ifftshift(line, axes=1), axis=1, norm="ortho")
        return np.fft.fftshift(line, axes=1).astype(np.complex64)

    return heads, samples


def _header(scan: RawScan) -> bytes:
    slices, coils, height, width = scan.kspace.shape
    size = (height, width, 1) if scan.readout else (slices, height, width)
    spacing = np.ones(3) if scan.affine is None else lengths(scan.affine)
    fov = (np.roll(spacing, -1) if scan.readout else spacing) * size
    oversampling = scan.readout_oversampling
    matrix = scan.matrix or (round(height / oversampling), width)
    recon = (*matrix, 1) if scan.readout else (slices, *matrix)
    xsd = ismrmrd.xsd

    def space(matrix: tuple[int, ...], fov: np.ndarray) -> ismrmrd.xsd.encodingSpaceType:
        x, y, z = (float(length) for length in fov)
        return xsd.encodingSpaceType(
            matrixSize=xsd.matrixSizeType(x=matrix[0], y=matrix[1], z=matrix[2]),
            fieldOfView_mm=xsd.fieldOfViewMm(x=x, y=y, z=z),
        )

    def limit(length: int, centre: int | None = None) -> ismrmrd.xsd.limitType:
        return xsd.limitType(minimum=0, maximum=length - 1, center=length // 2 if centre is None else centre)

    limits = xsd.encodingLimitsType(
        kspace_encoding_step_0=limit(size[0]),
        kspace_encoding_step_1=limit(size[1]),
        kspace_encoding_step_2=limit(size[2]),
        slice=limit(slices if scan.readout else 1, 0),
    )
    encoding = xsd.encodingType(
        encodedSpace=space(size, fov),
        reconSpace=space(recon, fov / [oversampling, 1, 1]),
        encodingLimits=limits,
        trajectory=xsd.trajectoryType.CARTESIAN,
    )
    header = xsd.ismrmrdHeader(
        experimentalConditions=xsd.experimentalConditionsType(H1resonanceFrequency_Hz=0),
        acquisitionSystemInformation=xsd.acquisitionSystemInformationType(receiverChannels=coils),
        encoding=[encoding],
    )
    return str(xsd.ToXML(header)).encode()
