"""Siemens raw data (twix ".dat", VB to XA) by twixtools, which the extra ``siemens`` installs."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ismrmrd
import numpy as np
from ismrmrd.hdf5 import acquisition_header_dtype

from ..errors import refusing
from .arrays import DAMAGED
from .lines import Encoding, assemble, number
from .raw import RawScan

_FLAGS = {
    "NOISEADJSCAN": ismrmrd.ACQ_IS_NOISE_MEASUREMENT,
    "PATREFSCAN": ismrmrd.ACQ_IS_PARALLEL_CALIBRATION,
    "PATREFANDIMASCAN": ismrmrd.ACQ_IS_PARALLEL_CALIBRATION_AND_IMAGING,
    "REFLECT": ismrmrd.ACQ_IS_REVERSE,
    "PHASCOR": ismrmrd.ACQ_IS_PHASECORR_DATA,
    "RTFEEDBACK": ismrmrd.ACQ_IS_RTFEEDBACK_DATA,
    "HPFEEDBACK": ismrmrd.ACQ_IS_HPFEEDBACK_DATA,
    "PHASESTABSCAN": ismrmrd.ACQ_IS_PHASE_STABILIZATION,
    "REFPHASESTABSCAN": ismrmrd.ACQ_IS_PHASE_STABILIZATION_REFERENCE,
}
_COUNTERS = {
    "kspace_encode_step_1": "Lin",
    "kspace_encode_step_2": "Par",
    "average": "Ave",
    "slice": "Sli",
    "contrast": "Eco",
    "phase": "Phs",
    "repetition": "Rep",
    "set": "Set",
    "segment": "Seg",
}
_NOISE_BANDWIDTH = 0.793
"""Mean noise over Siemens' receiver bandwidth, relative to the middle, as ISMRMRD's converter has it."""
_LAST_BLOCK, _SYNC_DATA = 1 << 0, 1 << 5
_LONGEST_TABLE, _MOST_BUFFERS = 10_000, 64
_SEPARATE = 4
"""Siemens' ``ucRefScanMode``: 1 none, 2 inline; 4 and above are scans of their own."""


def is_twix(path: Path) -> bool:
    """Whether a ".dat" file begins as Siemens raw data does: VD/VE's table of scans, or VB's length of the header."""
    with path.open("rb") as stream:
        start = stream.read(32)
    if path.suffix.lower() != ".dat" or len(start) < 32:
        return False
    first, second = struct.unpack("<II", start[:8])
    return (first < _LONGEST_TABLE and 0 < second <= 64) or (
        _LONGEST_TABLE < first < path.stat().st_size and 0 < second < _MOST_BUFFERS
    )


def read(path: Path, axes: str | None, key: str | None) -> RawScan:
    """Read the last scan of a Siemens file, with the noise scan before it; see :func:`monai_gan_recon.io.read_raw`.

    Directions follow ISMRMRD's converter ``siemens_to_ismrmrd``.
    """
    if axes is not None:
        raise ValueError("is a Siemens file, which says itself what its axes are; leave axes out")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import twixtools
    except ImportError as error:
        raise ValueError(
            "is a Siemens raw file, which twixtools reads; run pip install monai-gan-recon[siemens]"
        ) from error
    _check_blocks(path)
    with refusing(ValueError(DAMAGED), AttributeError), contextlib.redirect_stdout(io.StringIO()):
        scans = twixtools.read_twix(str(path), parse_pmu=False, parse_geometry=False, verbose=False, keep_acqend=True)
    if any(not scan["mdb"] or not scan["mdb"][-1].is_flag_set("ACQEND") for scan in scans):
        raise ValueError("is a truncated Siemens file, it ends in the middle of a scan; copy it again")
    dwell = number(scans[-1]["hdr"], "MeasYaps.sRXSPEC.alDwellTime.0", 0) / 1000  # 0: unknown
    blocks = [mdb for mdb in scans[-1]["mdb"] if not (mdb.is_flag_set("ACQEND") or mdb.is_flag_set("SYNCDATA"))]
    for scan in scans[:-1]:
        blocks += [mdb for mdb in scan["mdb"] if mdb.is_flag_set("NOISEADJSCAN")]
    with np.errstate(all="ignore"):  # directions that are no numbers are told of later
        heads = np.array([_head(mdb, dwell) for mdb in blocks], acquisition_header_dtype)

    def lines(indices: np.ndarray) -> Iterator[np.ndarray]:
        for index in indices:
            with refusing(ValueError(DAMAGED), AttributeError):
                samples = np.atleast_2d(blocks[index].data)
            yield samples

    return assemble(heads, lines, _encoding(scans[-1]["hdr"], heads, blocks), "Siemens twix")


def _check_blocks(path: Path) -> None:
    """Raise a ValueError if lengths of scans, headers and blocks do not fit; twixtools would go on for ever."""
    size = path.stat().st_size
    with path.open("rb") as file:

        def number(position: int, count: int = 4) -> int:
            file.seek(min(position, size))
            return int.from_bytes(file.read(count), "little")

        several = number(0) < _LONGEST_TABLE  # VD and VE: a table of scans
        flags, first = (40, 8) if several else (20, 0)
        entries = [first + 152 * k for k in range(number(4))] if several else [0]
        for entry in entries:
            start = number(entry + 8, 8) if several else 0
            end = start + number(entry + 16, 8) if several else size
            end = size if end == start and len(entries) == 1 else end
            position = start + number(start)
            if not start < position <= end <= size or number(start + 4) > _MOST_BUFFERS:
                raise ValueError(DAMAGED)  # a scan reaches beyond the file
            while position + 128 < end and not (mask := number(position + flags)) & _LAST_BLOCK:
                length = number(position) & 0x1FFFFFF
                if not mask & _SYNC_DATA:  # there the number may be wrong; this is what twixtools goes by
                    samples, coils = number(position + flags + 8, 2), number(position + flags + 10, 2)
                    length = 192 + coils * (32 + 8 * samples) if several else coils * (128 + 8 * samples)
                if not 128 <= length <= end - position:  # none, or one that twixtools would ask memory for
                    raise ValueError(DAMAGED)
                position += length


def _head(mdb: Any, dwell: float) -> np.ndarray:
    """ISMRMRD's header of a measurement data block, whose samples are ``dwell`` microseconds apart if of an image."""
    mdh, head = mdb.mdh, np.zeros((), acquisition_header_dtype)
    flags = set(mdb.get_active_flags())
    head["flags"] = sum(1 << (flag - 1) for name, flag in _FLAGS.items() if name in flags)
    head["number_of_samples"], head["active_channels"] = mdh.SamplesInScan, mdh.UsedChannels
    head["discard_pre"], head["discard_post"] = mdh.CutOff.Pre, mdh.CutOff.Post
    head["center_sample"] = mdh.CenterCol
    samples = max(int(mdh.SamplesInScan), 1)
    noise = 76_800 // samples / 10 if mdb.version_is_ve else 1e7 / samples / 130  # as in siemens_to_ismrmrd
    head["sample_time_us"] = noise if "NOISEADJSCAN" in flags else dwell
    for name, counter in _COUNTERS.items():
        head["idx"][name] = getattr(mdh.Counter, counter)
    place = mdh.SliceData
    head["position"] = (place.SlicePos.Sag, place.SlicePos.Cor, place.SlicePos.Tra)
    a, b, c, d = (float(value) for value in place.Quaternion)  # of a rotation with columns phase, readout, slice
    head["phase_dir"] = (1 - 2 * (c * c + d * d), 2 * (b * c + a * d), 2 * (b * d - a * c))
    head["read_dir"] = (2 * (b * c - a * d), 1 - 2 * (b * b + d * d), 2 * (c * d + a * b))
    head["slice_dir"] = (2 * (b * d + a * c), 2 * (c * d - a * b), 1 - 2 * (b * b + c * c))
    return head


def _encoding(header: dict[str, Any], heads: np.ndarray, blocks: list[Any]) -> Encoding:
    image = np.array([mdb.is_image_scan() for mdb in blocks], bool)
    if not image.any():
        raise ValueError("holds no lines of an image")
    first = blocks[int(np.argmax(image))].mdh
    samples = int(first.SamplesInScan)
    step = heads["idx"][image]
    ny, line = _steps(step["kspace_encode_step_1"], int(first.CenterLin))
    nz, partition = _steps(step["kspace_encode_step_2"], int(first.CenterPar))
    oversampling = number(header, "Dicom.flReadoutOSFactor", 1) or 1.0
    base = int(number(header, "MeasYaps.sKSpace.lBaseResolution"))
    read, phase, thick = (
        number(header, f"MeasYaps.sSliceArray.asSlice.0.{key}") for key in ("dReadoutFOV", "dPhaseFOV", "dThickness")
    )
    more = [number(header, f"MeasYaps.sKSpace.d{axis}OversamplingForDialog", 0) for axis in ("Phase", "Slice")]
    mode = number(header, "MeasYaps.sPat.ucRefScanMode", 1)
    if min(base, read, phase, thick, oversampling) <= 0:
        raise ValueError("its Siemens protocol has lengths that are not positive; the header is damaged")
    centre = int(first.CenterCol)
    whole = centre == 0 or abs(2 * centre - samples) <= 2
    width = samples if whole else max(2 * centre, 2 * (samples - centre))
    # sequences that are not the vendor's (Pulseq) leave the protocol as it was: then it tells no matrix
    known = width == round(base * oversampling)
    return Encoding(
        (width, ny, nz),
        (line, partition),
        (read * oversampling, phase * (1 + more[0]), thick * (1 + more[1] * (nz > 1))),
        (base, round(base * phase / read), nz) if known else None,
        oversampling,
        volume=nz > 1,
        embedded=mode < _SEPARATE,
        noise_bandwidth=_NOISE_BANDWIDTH,
    )


def _steps(number: np.ndarray, centre: int) -> tuple[int, int]:
    """Length of a phase encoding with ``centre`` at ``n // 2``, which holds all its steps, and this centre."""
    last = int(number.max())
    if centre == 0 or abs(2 * centre - last - 1) <= 1:  # not filled in, or all lines are there
        return last + 1, (last + 1) // 2
    return max(2 * centre, 2 * (last + 1 - centre)), centre
