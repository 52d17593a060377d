"""Readers of single images beside NIfTI: NRRD and MetaImage through SimpleITK, slices of NumPy."""

from __future__ import annotations

import math
import re
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk

from ..vocabulary import PLANE_AXCODES
from .arrays import open_npy
from .nifti import GZIP_RATIO, check_shape

_MM = {"nm": 1e-6, "um": 1e-3, "µm": 1e-3, "micron": 1e-3, "mm": 1.0, "millimeter": 1.0, "cm": 10.0, "m": 1e3}
"""Length in mm of the units that headers of NRRD and MetaImage name."""
_HEADER = 1 << 16


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
    damaged = (
        f"{path}: is not a readable NRRD or MetaImage file, or it is truncated or damaged; copy it again"
    )
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        _check_meta_image(path)
        reader.ReadImageInformation()
        announced = math.prod(reader.GetSize())  # a lie is told before memory is asked for
        if announced > GZIP_RATIO * sum(
            file.stat().st_size for file in path.parent.iterdir() if file.is_file()
        ):
            raise ValueError(damaged)
        _check_stream(path)
        image = reader.Execute()
        array = sitk.GetArrayFromImage(image)
    except (RuntimeError, zlib.error, EOFError, OSError, ValueError, MemoryError, OverflowError) as error:
        raise ValueError(damaged) from error
    dimension = image.GetDimension()
    if dimension not in (2, 3) or image.GetNumberOfComponentsPerPixel() != 1:
        raise ValueError(f"{path}: has {dimension} axes or several numbers a voxel; give one 3-D volume")
    check_shape(path, image.GetSize())
    affine = np.eye(4)
    affine[:dimension, :dimension] = (
        np.reshape(image.GetDirection(), (dimension, dimension)) * image.GetSpacing()
    )
    affine[:dimension, 3] = image.GetOrigin()
    affine[:3] *= _unit(path, image)
    return array.T.reshape((*array.T.shape[:2], -1)), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _head(path: Path) -> tuple[str, int]:
    """Header of a NRRD or MetaImage file as text, and where its data begin."""
    with path.open("rb") as stream:
        start = stream.read(_HEADER)
    found = re.search(rb"\r?\n\r?\n|ElementDataFile\s*=\s*LOCAL\r?\n", start)
    end = found.end() if found else len(start)
    return start[:end].decode("utf-8", errors="replace"), end


def _check_meta_image(path: Path) -> None:
    """Refuse a damaged header of MetaImage, before ITK, which such a one can end, sees it."""
    text = _head(path)[0]
    if re.match(r"\s*(Comment|ObjectType|NDims)\s*=", text) is None:
        return  # NRRD
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


def _unit(path: Path, image: sitk.Image) -> float:
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
    attached = (
        "LOCAL" in text if path.suffix.lower() in (".mha", ".mhd") else "data file:" not in text.lower()
    )
    packed = re.search(r"(?mi)^encoding:\s*gz|^CompressedData\s*=\s*True", text)
    if not (attached and packed):
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
