"""Readers of single images beside NIfTI: NRRD and MetaImage through SimpleITK, slices of NumPy."""

from __future__ import annotations

import glob
import math
import re
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk

from ..errors import LIBRARY_ERRORS
from ..vocabulary import PLANE_AXCODES
from .arrays import open_npy
from .nifti import GZIP_RATIO, check_shape

_MM = {"nm": 1e-6, "um": 1e-3, "µm": 1e-3, "micron": 1e-3, "mm": 1.0, "millimeter": 1.0, "cm": 10.0, "m": 1e3}
"""Length in mm of the units that headers of NRRD and MetaImage name."""
_HEADER = 1 << 16
_DAMAGED = "is not a readable NRRD or MetaImage file, or it is truncated or damaged; copy it again"


def read_numpy(path: Path, plane: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Slices of a ".npy" file, as displayed (H down, W to the right), as a volume with 1 mm voxels.

    Args:
        path: array (H, W), or (N, H, W) for N slices.
        plane: plane of the slices; ``None``: coronal.

    Returns:
        array (N, H, W) whose affine makes it come out unchanged as slices of ``plane``.

    Raises:
        ValueError: if it is not a NumPy file of numbers, or has other than two or three axes.
    """
    try:
        values = np.array(open_npy(path), order="C")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if values.dtype.kind not in "biufc":
        raise ValueError(f"{path}: holds {values.dtype}, not numbers; give slices (H, W) or (N, H, W)")
    if values.ndim not in (2, 3):
        raise ValueError(f"{path}: has shape {values.shape}; give slices (H, W) or (N, H, W)")
    check_shape(path, values.shape)
    codes = PLANE_AXCODES.get(plane or "coronal")
    if codes is None:
        raise ValueError(f"unknown plane {plane!r}; choose one of {', '.join(PLANE_AXCODES)}")
    affine = np.eye(4)
    affine[:3, :3] = 0
    for column, (axis, sign) in enumerate(nib.orientations.axcodes2ornt(codes).astype(int)):
        affine[axis, column] = sign
    return values if values.ndim == 3 else values[None], affine


def read_itk(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Volume and affine of a NRRD or MetaImage file, real or complex; lengths in other units become mm.

    Args:
        path: ".nrrd", ".nhdr", ".mha" or ".mhd".

    Returns:
        array (X, Y, Z), and the (4, 4) affine in RAS and mm.

    Raises:
        ValueError: if it cannot be read, has an unknown unit, or is neither 2-D nor 3-D with one number a voxel.
    """
    shape, affine = read_itk_header(path)
    try:
        there = sum(file.stat().st_size for file in _data_files(path))
        if math.prod(shape) > GZIP_RATIO * there:  # a lie is told before memory is asked for
            raise ValueError(f"{math.prod(shape)} voxels announced, {there} bytes")
        _check_stream(path)
        array = sitk.GetArrayFromImage(_reader(path).Execute())
    except LIBRARY_ERRORS as error:
        raise ValueError(f"{path}: {_DAMAGED}") from error
    return array.T.reshape(shape), affine


def read_itk_header(path: Path) -> tuple[tuple[int, ...], np.ndarray]:
    """Shape (X, Y, Z) and affine (4, 4) to RAS in mm of a NRRD or MetaImage file, from its header; see :func:`read_itk`."""
    try:
        _check_meta_image(path)
        reader = _reader(path)
        reader.ReadImageInformation()
    except LIBRARY_ERRORS as error:
        raise ValueError(f"{path}: {_DAMAGED}") from error
    dimension, size = reader.GetDimension(), reader.GetSize()
    if dimension not in (2, 3) or reader.GetNumberOfComponents() != 1 + _is_complex(reader):
        raise ValueError(f"{path}: has {dimension} axes or several numbers a voxel; give one 3-D volume")
    check_shape(path, size)
    affine = np.eye(4)
    affine[:dimension, :dimension] = (
        np.reshape(reader.GetDirection(), (dimension, dimension)) * reader.GetSpacing()
    )
    affine[:dimension, 3] = reader.GetOrigin()
    affine[:3] *= _unit(path, reader)
    return (*size, 1)[:3], np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _reader(path: Path) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    return reader


def _is_complex(reader: sitk.ImageFileReader) -> bool:
    return reader.GetPixelID() in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64)


def _data_files(path: Path) -> list[Path]:
    """Files with the voxels of a header: itself, or those that it names, one, a list, or a pattern with numbers."""
    text = _head(path)[0]
    named = re.search(r"(?mi)^(?:ElementDataFile\s*=|data ?file:)[ \t]*(.*?)[ \t]*\r?$", text)
    if named is None or named[1].upper() == "LOCAL":
        return [path]
    names = [named[1]]
    if re.match(r"LIST\b", named[1]):
        names = [line.strip() for line in text[named.end() :].splitlines() if line.strip()]
    elif re.search(r"%\d*d", named[1]):  # then numbers from, to and between follow
        pattern = re.sub(r"%\d*d", "*", glob.escape(named[1].split()[0]))
        return sorted(path.parent.glob(pattern))
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
    if re.match(r"\s*(Comment|ObjectType|NDims)\s*=", text) is None:
        return  # NRRD
    if data := re.search(r"(?m)^\s*ElementDataFile\s*=.*$", text):
        text = text[: data.end()]  # names of files may follow
    lines = [line.partition("=") for line in text.splitlines() if line.strip()]
    keys = {key.strip(): value.split() for key, equals, value in lines if equals}
    if (
        len(keys) < len(lines)
        or not all(map(str.isprintable, text.splitlines()))
        or "ElementDataFile" not in keys
    ):
        raise ValueError("a line is no 'key = value'")
    axes = int(keys["NDims"][0]) if keys.get("NDims") else 0
    numbers = {"DimSize": axes, "ElementSpacing": axes, "ElementSize": axes, "Offset": axes, "Position": axes}
    numbers |= {"Origin": axes, "CenterOfRotation": axes, "TransformMatrix": axes**2, "Orientation": axes**2}
    numbers |= {"Rotation": axes**2, "CompressedDataSize": 1, "HeaderSize": 1, "ElementNumberOfChannels": 1}
    for key in numbers.keys() & keys.keys():
        if (
            not 1 <= axes <= 10
            or len(keys[key]) != numbers[key]
            or not np.isfinite(np.array(keys[key], dtype=np.float64)).all()
        ):
            raise ValueError(f"{key} is not {numbers[key]} numbers")


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


def _check_stream(path: Path) -> None:
    """Read compressed data that follow a header to their end, whose checksum ITK does not look at."""
    text, start = _head(path)
    packed = re.search(r"(?mi)^encoding:\s*gz|^CompressedData\s*=\s*True", text)
    if not packed or _data_files(path) != [path]:
        return
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib
    with path.open("rb") as stream:
        stream.seek(start)
        while not unpack.eof:
            block = stream.read(1 << 16)
            if not block:
                raise EOFError("the compressed data end early")
            while block and not unpack.eof:
                unpack.decompress(block, 1 << 20)
                block = unpack.unconsumed_tail
