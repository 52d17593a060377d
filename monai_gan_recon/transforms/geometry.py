"""Volume to slices of a plane and back, and centre crop or padding of the slices."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import (
    InvertibleTransform,
    MapTransform,
    Orientation,
    Orientationd,
    RandomizableTransform,
    ResizeWithPadOrCrop,
)
from monai.transforms.spatial.functional import orientation
from monai.utils import TraceKeys
from torch.nn.functional import avg_pool2d

from monai_gan_recon.checks import check_counts
from monai_gan_recon.io.geometry import plane_axcodes, slice_sizes
from monai_gan_recon.transforms.dictionary import InvertibleArrayTransformd
from monai_gan_recon.vocabulary import MAX_SLICE_SIZE, MIN_SLICE_SIZE, PLANES

_AXCODES = "axcodes"
_FOREGROUND = 0.02


class Reorient(Orientation):
    """MONAI's Orientation, whose inverse undoes the very flips and transpositions that were done.

    MONAI looks for the nearest axes of the turned image anew, and takes others where two are equally near (a volume
    oblique by 45°). What was done is kept with each image, so that images may be turned towards different codes.
    """

    def __call__(self, data_array: torch.Tensor, lazy: bool | None = None, axcodes: str | None = None) -> torch.Tensor:
        """Reorient an image (C, X, Y, Z) towards ``axcodes``, or those of the constructor; its affine follows."""
        codes = axcodes or self.axcodes
        affine = np.eye(4)
        if isinstance(data_array, MetaTensor):
            affine = np.asarray(data_array.peek_pending_affine()).astype(np.float64)
        turn = nib.orientations.ornt_transform(nib.io_orientation(affine), nib.orientations.axcodes2ornt(codes))
        info = self.get_transform_info() | {_AXCODES: codes}
        lazy = self.lazy if lazy is None else lazy
        result: torch.Tensor = orientation(data_array, affine, turn, lazy=lazy, transform_info=info)
        return result

    def inverse(self, data: torch.Tensor) -> torch.Tensor:
        """The volume in its own orientation."""
        info = self.pop_transform(data)
        affine = np.asarray(info[TraceKeys.EXTRA_INFO]["original_affine"]).astype(np.float64)
        done, wanted = nib.io_orientation(affine), nib.orientations.axcodes2ornt(info[_AXCODES])
        back = nib.orientations.ornt_transform(wanted, done)
        now = np.asarray(data.affine).astype(np.float64) if isinstance(data, MetaTensor) else np.eye(4)
        with self.trace_transform(False):
            result: torch.Tensor = orientation(data, now, back, False, self.get_transform_info())
        return result


class Reorientd(Orientationd):
    """Dictionary version of :class:`Reorient`; ``axcodes`` say towards what each index of the result grows."""

    def __init__(self, keys: KeysCollection, axcodes: str = "RAS") -> None:
        super().__init__(keys, axcodes=axcodes, labels=None)
        self.ornt_transform = Reorient(axcodes=axcodes, labels=None)


class SlicesOfPlane(Reorient):
    """Volume (1, X, Y, Z) → slices (1, N, H, W) of a plane, by flips and transpositions; invertible.

    Args:
        plane: "coronal" (the paper's), "axial" or "sagittal".

    Raises:
        ValueError: for another plane; at the call, if the image is not (1, X, Y, Z).
    """

    def __init__(self, plane: str = "coronal") -> None:
        super().__init__(axcodes=plane_axcodes(plane), labels=None)
        self.plane = plane

    def __call__(self, data_array: torch.Tensor, lazy: bool | None = None, axcodes: str | None = None) -> torch.Tensor:
        """Reorient the volume; its affine follows."""
        if data_array.ndim != 4:
            raise ValueError(f"slices are taken from a volume (1, X, Y, Z), not from shape {tuple(data_array.shape)}")
        return super().__call__(data_array, lazy, axcodes)


def plane_slices(volume: torch.Tensor, plane: str, affine: torch.Tensor | None = None) -> torch.Tensor:
    """Slices (N, H, W) of a volume (1, X, Y, Z), a plain tensor; ``affine`` is the volume's if it is none itself."""
    place = volume.affine if affine is None and isinstance(volume, MetaTensor) else affine
    slices = SlicesOfPlane(plane)(MetaTensor(volume.as_subclass(torch.Tensor).clone(), affine=place))
    return slices[0].as_subclass(torch.Tensor)


class SlicesOfPlaned(Reorientd):
    """Dictionary version of :class:`SlicesOfPlane`.

    Args:
        keys: keys of the volumes.
        plane: "coronal" (the paper's), "axial" or "sagittal"; None: what each entry has under ``plane``, or
            another one if its slices are too small. The plane that was taken is then under ``plane``.
    """

    def __init__(self, keys: KeysCollection, plane: str | None = "coronal") -> None:
        super().__init__(keys, plane_axcodes(plane or PLANES[0]))
        self.plane, self.ornt_transform = plane, SlicesOfPlane(plane or PLANES[0])

    def __call__(self, data: Mapping[Hashable, torch.Tensor], lazy: bool | None = None) -> dict[Hashable, Any]:
        """Reorient the volumes; their affines follow."""
        result: dict[Hashable, Any] = dict(data)
        result["plane"] = self.plane or _plane_of(result, self.first_key(result))
        codes = plane_axcodes(result["plane"])
        for key in self.key_iterator(result):
            result[key] = self.ornt_transform(result[key], lazy, codes)
        return result


def _plane_of(entry: Mapping[Hashable, Any], key: Hashable) -> str:
    """The plane that an entry names, or another one if the slices of its volume are too small there."""
    volume, wanted = entry[key], (str(entry.get("plane") or PLANES[0]), *PLANES)
    plane_axcodes(wanted[0])
    affine = volume.affine.cpu().numpy() if isinstance(volume, MetaTensor) else np.eye(4)
    sizes = slice_sizes(volume.shape[1:], affine)
    return next((plane for plane in wanted if min(sizes[plane]) >= MIN_SLICE_SIZE), wanted[0])


class CropPadSlices(InvertibleTransform):
    """Centre crop or zero padding of slices to (H, W); the slice axis stays.

    Args:
        size: (H, W) in pixels, each from 16 to 4096, or ``None`` for the whole slices.
        name: of the option, for messages.

    Raises:
        ValueError: for another size; at the call, if the image is neither (C, H, W) nor (C, N, H, W).
    """

    def __init__(self, size: Sequence[int] | None = None, name: str = "size") -> None:
        self.size: tuple[int, int] | None = None
        self.resizers: dict[int, ResizeWithPadOrCrop] = {}
        if size is None:
            return
        lengths = list(size) if isinstance(size, Sequence) else []
        if len(lengths) != 2 or isinstance(size, str):
            raise ValueError(f"{name} must be [height, width] of slices, not {size!r}")
        for length in lengths:
            check_counts(MIN_SLICE_SIZE, MAX_SLICE_SIZE, **{f"height and width of {name}": length})
        self.size = (lengths[0], lengths[1])
        self.resizers = {3: ResizeWithPadOrCrop(self.size), 4: ResizeWithPadOrCrop((-1, *self.size))}

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """Crop or pad slices (C, H, W) or (C, N, H, W) about their centre."""
        if self.size is None:
            return img
        if img.ndim not in self.resizers:
            raise ValueError(f"slices must be (C, H, W) or (C, N, H, W), not of shape {tuple(img.shape)}")
        return self.resizers[img.ndim](img)

    def inverse(self, data: torch.Tensor) -> torch.Tensor:
        """Slices of the original size; what was cropped away comes back as zeros."""
        return data if self.size is None else self.resizers[data.ndim].inverse(data)


class CropPadSlicesd(InvertibleArrayTransformd):
    """Dictionary version of :class:`CropPadSlices`."""

    array_version = CropPadSlices


def check_crop(crop: Sequence[int], size: Sequence[int] | None) -> None:
    """Raise a ValueError if slices of a size (H, W), None if it is not known, cannot be cropped to another."""
    small, large = CropPadSlices(crop, "crop").size, CropPadSlices(size).size
    if small and large and (small[0] > large[0] or small[1] > large[1]):
        raise ValueError(f"crop {list(small)} is larger than slices of {list(large)}; lower --crop or raise --size")


class RandForegroundCropd(RandomizableTransform, MapTransform):
    """Random crop of a slice that shows some of the object.

    Foreground are pixels above 2 % of the slice's maximum. An empty crop teaches nothing, and the gradient of a critic
    that normalises its features has no bound there.

    Args:
        keys: the one key of the slice (1, H, W), at least as large as the crop.
        roi_size: (H, W) of the crop.
        min_foreground: least fraction of the crop that is foreground; where no crop has it, the fullest one is taken.
    """

    def __init__(self, keys: KeysCollection, roi_size: Sequence[int], min_foreground: float = 0.05) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.size = CropPadSlices(roi_size, "crop").size
        self.min_foreground = min_foreground

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Crop the slice."""
        key = self.first_key(dict(data))
        image: torch.Tensor = data[key]
        if self.size is None:
            return dict(data)
        check_crop(self.size, image.shape[-2:])
        foreground = torch.as_tensor(image > _FOREGROUND * image.max()).float()
        share = avg_pool2d(foreground, self.size, stride=1)[0]
        places = torch.nonzero(share >= min(self.min_foreground, float(share.max())))
        top, left = places[self.R.randint(len(places))].tolist()
        return dict(data) | {key: image[:, top : top + self.size[0], left : left + self.size[1]]}
