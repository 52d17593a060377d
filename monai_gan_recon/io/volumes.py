"""Readers of single images beside NIfTI: NRRD and MetaImage through SimpleITK, slices of NumPy."""

from __future__ import annotations

import glob
import math
import os
import re
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk

from ..errors import about, refusing
from .arrays import open_npy
from .geometry import from_lps, plane_axcodes
from .nifti import GZIP_RATIO, check_shape

_MM = {"nm": 1e-6, "um": 1e-3, "µm": 1e-3, "micron": 1e-3, "mm": 1.0, "millimeter": 1.0, "cm": 10.0, "m": 1e3}
"""Length in mm of the units that headers of NRRD and MetaImage name."""
_HEADER = 1 << 16
_DATA = r"^(?:ElementDataFile\s*=|data ?file:)[ \t]*(.*?)[ \t]*\r?$"
_RESCALED = r"(?m)^ElementToIntensityFunction(?:Slope\s*=\s*(?!\s|1(?:\.0*)?\s*$)|Offset\s*=\s*(?!\s|-?0(?:\.0*)?\s*$))"
_TYPE = r"MET_U?(CHAR|SHORT|INT|LONG|LONG_LONG|FLOAT|DOUBLE)(_ARRAY)?"
_PACKED = r"(?mi)^encoding:\s*(?:gz|bz)|^CompressedData\s*=\s*True"


def read_numpy(path: Path, plane: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Slices of a ".npy" file, (H, W) or (N, H, W), as displayed (H down, W to the right): a volume of 1 mm voxels.

    Returns:
        array (N, H, W), mapped, and an affine that makes it come out unchanged as slices of ``plane`` (None: coronal).

    Raises:
        ValueError: if it is not a NumPy file of numbers, or has other than two or three axes.
    """
    with about(path):
        values = open_npy(path)
    if values.dtype.kind not in "biufc" or values.ndim not in (2, 3):
        held = f"{values.dtype} of shape {values.shape}"
        raise ValueError(f"{path}: holds {held}; give numbers, slices (H, W) or (N, H, W)")
    check_shape(path, values.shape)
    affine = np.diag([0.0, 0, 0, 1])
    codes = nib.orientations.axcodes2ornt(plane_axcodes(plane or "coronal")).astype(int)
    for column, (axis, sign) in enumerate(codes):
        affine[axis, column] = sign
    return values if values.ndim == 3 else values[None], affine


def read_itk(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Volume and affine of a NRRD or MetaImage file, real or complex; lengths in other units become mm.

    The files that a ".nhdr" or ".mhd" names lie in its folder, or in subfolders.

    Returns:
        array (X, Y, Z), and the (4, 4) affine in RAS and mm.

    Raises:
        FileNotFoundError: if a file that it names is not there.
        ValueError: if it cannot be read, names a file elsewhere, has an unknown unit, or is neither 2-D nor 3-D with
            one number a voxel.
    """
    shape, affine = read_itk_header(path)
    files, packed = _data_files(path), re.search(_PACKED, _head(path)[0])
    there = sum(file.stat().st_size for file in files)
    if math.prod(shape) > there * (GZIP_RATIO if packed else 1):  # a lie is told before memory is asked for
        raise _damaged(path)
    with refusing(_damaged(path)):
        if packed:
            _check_streams(path, files)
        array = sitk.GetArrayFromImage(_reader(path).Execute())
    return array.T.reshape(shape), affine


def read_itk_header(path: Path) -> tuple[tuple[int, ...], np.ndarray]:
    """Shape (X, Y, Z) and affine of a NRRD or MetaImage file, from its header; see :func:`read_itk`."""
    _check_meta_image(path)
    _data_files(path)
    reader = _reader(path)
    with refusing(_damaged(path)):
        reader.ReadImageInformation()
    dimension, size = reader.GetDimension(), reader.GetSize()
    parts = 1 + (reader.GetPixelID() in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64))
    if dimension not in (2, 3) or reader.GetNumberOfComponents() != parts:
        raise ValueError(f"{path}: has {dimension} axes or several numbers a voxel; give one 3-D volume")
    check_shape(path, size)
    _check_left_out(path, dimension)
    unit = _unit(path, reader)
    steps = np.reshape(reader.GetDirection(), (dimension, dimension)) * reader.GetSpacing()
    return (*size, 1)[:3], from_lps(unit * steps, unit * np.array(reader.GetOrigin()))


def _damaged(path: Path) -> ValueError:
    return ValueError(f"{path}: is not a readable NRRD or MetaImage file, or it is truncated or damaged; copy it again")


def _reader(path: Path) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    return reader


def _data_files(path: Path) -> list[Path]:
    """Files with the voxels of a header: itself, or those that it names, one, a list, or a pattern with numbers."""
    text = _head(path)[0]
    named = re.search(f"(?mi){_DATA}", text)
    if named is None or named[1].upper() == "LOCAL":
        return [path]
    names = [named[1]]
    if re.match(r"LIST\b", named[1]):
        names = [line.strip() for line in text[named.end() :].splitlines() if line.strip()]
    elif re.search(r"%\d*d", named[1]):  # then numbers from, to and between follow
        pattern = re.sub(r"%\d*d", "*", glob.escape(named[1].split()[0]))
        names = sorted(glob.glob(pattern, root_dir=path.parent)) or names
    for name in names:
        if not name.isprintable() or os.path.normpath(name) == path.name:  # its own header as voxels
            raise _damaged(path)
        if os.path.isabs(name) or os.path.normpath(name).startswith(".."):
            raise ValueError(f"{path}: its data file {name} lies outside its folder; put both into one folder")
        if not os.path.isfile(path.parent / name):
            raise FileNotFoundError(f"{path}: its data file {name} is not there; copy it, too")
    return [path.parent / name for name in names]


def _head(path: Path) -> tuple[str, int]:
    """Header of a NRRD or MetaImage file as text, and where its data begin."""
    with path.open("rb") as stream:
        start = stream.read(_HEADER)
    found = re.search(rb"\r?\n\r?\n|ElementDataFile[ \t]*=[ \t]*LOCAL\r?\n", start)
    end = found.end() if found else len(start)
    return start[:end].decode("utf-8", errors="replace"), end


def _check_meta_image(path: Path) -> None:
    """Refuse a damaged header of MetaImage, before ITK, which such a one can end, sees it."""
    text = _head(path)[0]
    if text.startswith("NRRD"):
        return
    if data := re.search(f"(?m){_DATA}", text):
        text = text[: data.end()]  # names of files may follow
    lines = [line.partition("=") for line in text.splitlines() if line.strip()]
    keys = {key.strip(): value.split() for key, equals, value in lines if equals}
    whole = len(keys) == len(lines) and all(map(str.isprintable, text.splitlines()))
    whole = whole and re.fullmatch(_TYPE, "".join(keys.get("ElementType", []))) is not None
    if not whole or "ElementDataFile" not in keys:  # a line is no "key = value"
        raise _damaged(path)
    with refusing(_damaged(path)):
        axes = int("".join(keys.get("NDims", [])))
        numbers = dict.fromkeys(
            ("DimSize", "ElementSpacing", "ElementSize", "Offset", "Position", "Origin", "CenterOfRotation"),
            axes,
        )
        numbers |= dict.fromkeys(("TransformMatrix", "Orientation", "Rotation"), axes**2)
        numbers |= dict.fromkeys(("CompressedDataSize", "HeaderSize", "ElementNumberOfChannels"), 1)
        for key in numbers.keys() & keys.keys():
            values = np.array(keys[key], dtype=np.float64)
            if not 1 <= axes <= 10 or values.size != numbers[key] or not np.isfinite(values).all():
                raise ValueError(f"{key} is not {numbers[key]} numbers")


def _check_left_out(path: Path, dimension: int) -> None:
    """Refuse what ITK reads past: values that have a scale, and an axis that has no direction."""
    text = _head(path)[0]
    if re.search(_RESCALED, text):
        raise ValueError(f"{path}: its values have a slope and an offset of their own; apply them and save it again")
    directions = re.search(r"(?m)^space directions:(.*)$", text)
    if directions and directions[1].count("(") < dimension:
        raise ValueError(f"{path}: has an axis without a direction; give a volume whose axes lie in space")


def _unit(path: Path, image: sitk.ImageFileReader) -> float:
    """Length in mm of the file's unit; ITK leaves that of NRRD to its caller."""
    text = _head(path)[0]
    names = re.findall(r'"([^"]*)"', "".join(re.findall(r"(?m)^(?:space )?units:(.*)$", text)))
    if image.HasMetaDataKey("ITK_VoxelUnits"):
        names.append(image.GetMetaData("ITK_VoxelUnits"))
    units = {name.strip().replace("\u03bc", "µ").removesuffix("s") for name in names} - {"", "?", "???"}
    if not units:
        return 1.0
    if len(units) > 1 or not units <= set(_MM):
        raise ValueError(f"{path}: its lengths are in {' and '.join(sorted(units))}; give them in mm or um")
    return _MM[units.pop()]


def _check_streams(path: Path, files: list[Path]) -> None:
    """Read gzip's and zlib's data to their end, whose checksum ITK does not look at; an error if they are damaged."""
    for file in files:
        with file.open("rb") as stream:
            stream.seek(_head(path)[1] if file == path else 0)
            block = stream.read(1 << 16)
            if block[:1] not in (b"\x1f", b"x"):
                if not _head(path)[0].startswith("NRRD"):
                    raise EOFError("ITK takes a MetaImage's data that are not compressed for zeros")
                continue  # bzip2, or after lines to skip
            unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
            while not unpack.eof:
                if not block:
                    raise EOFError("the compressed data end early")
                while block and not unpack.eof:
                    unpack.decompress(block, 1 << 20)
                    block = unpack.unconsumed_tail
                block = block or stream.read(1 << 16)
