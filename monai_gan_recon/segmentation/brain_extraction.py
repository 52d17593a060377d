"""Extraction of the brain from heads with skull: is there a skull, where is the brain, and is that to be believed."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.networks.blocks import Convolution
from monai.networks.nets import BasicUNet
from monai.networks.utils import pixelshuffle, pixelunshuffle
from monai.transforms import MapTransform, SpatialPad, Transform
from monai.utils import convert_to_dst_type
from scipy import ndimage
from torch import nn
from torch.nn.functional import interpolate

from monai_gan_recon.engines.runtime import check_device
from monai_gan_recon.networks import load_weights
from monai_gan_recon.segmentation.brain_mask import BrainMask, spacing_mm, volume_values
from monai_gan_recon.transforms.geometry import Reorientd

CHOICES = ("auto", "true", "false")
SPACING_MM = 3.0
"""Spacing that the network sees."""
TRAINED_ON = (64, 80, 64)
"""Voxels that the network was trained on; smaller volumes are padded."""
SKULL_MM = 10.5
"""Upper quartile of the distance of the surface of what is seen from the brain, above which there is a skull around it.

The quartile, since a face, a neck and a thick base of the skull reach far, while a brain that is found too small
(MNI152, larger than people's: 9.4 mm) is so by as much everywhere.
"""
VOLUME_ML = (700.0, 2100.0)
"""Volumes of a brain with its fluid that are believed; those of grown-ups are from about 1000 to 1900 ml."""
SHORTEST_MM = 60.0
"""Least extent of a brain along any axis that is believed."""
_BRIGHT = 0.99
"""Quantile of the positive voxels that becomes 1."""
_SURE = 0.85
"""Dice between where the network is 25 % and 75 % sure, below which it does not know."""
_ONE_PIECE = 0.9
"""Least share of the largest piece of what the network takes for the brain."""


class BrainNetwork(nn.Module):
    """Logits of the brain in volumes of 3 mm: a U-Net that sees the head at 6 mm, and a few layers that draw at 3 mm.

    The U-Net reads blocks of 2 x 2 x 2 voxels, each block a vector, and writes such blocks (sub-pixel convolution; Shi
    et al., CVPR 2016): maps of where the brain may be. The layers that follow see them beside the image, and find the
    border. Probabilities between voxels place it finer than the voxels.

    Args:
        features: channels of MONAI's ``BasicUNet``.
        maps: channels that the U-Net hands over; the layers that draw have twice as many.
    """

    def __init__(self, features: Sequence[int] = (16, 16, 32, 64, 64, 16), maps: int = 8) -> None:
        super().__init__()
        layers: dict[str, Any] = {
            "act": ("LeakyReLU", {"negative_slope": 0.1, "inplace": True}),
            "norm": ("instance", {"affine": True}),
        }
        unet = BasicUNet(spatial_dims=3, in_channels=8, out_channels=8 * maps, features=features, **layers)
        self.unet = unet.to(memory_format=torch.channels_last_3d)
        self.draw = nn.Sequential(
            Convolution(3, maps + 1, 2 * maps, **layers),
            Convolution(3, 2 * maps, 2 * maps, **layers),
            nn.Conv3d(2 * maps, 1, 3, padding=1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Volumes (B, 1, X, Y, Z), see :func:`network_input`, to logits (B, 1, X, Y, Z); even sizes."""
        blocks = pixelunshuffle(x, 3, 2).contiguous(memory_format=torch.channels_last_3d)
        seen = torch.cat((x, pixelshuffle(self.unet(blocks), 3, 2)), dim=1)
        return self.draw(seen.contiguous(memory_format=torch.channels_last_3d))


@dataclass(frozen=True)
class BrainExtraction:
    """What was found in one volume.

    Attributes:
        mask: the brain, (1, X, Y, Z), boolean, on the volume's grid, one piece without holes.
        rim_mm: upper quartile of the distance of the surface of what is seen from the brain: 3 to 7 in stripped images,
            12 and more in heads; infinite without a brain.
        volume_ml: of the mask.
        extent_mm: of the mask along the axes of the array in RAS.
        certainty: Dice between where the network is 25 % and 75 % sure.
        largest: share of the largest piece of what the network took for the brain.
    """

    mask: MetaTensor
    rim_mm: float
    volume_ml: float
    extent_mm: tuple[float, float, float]
    certainty: float
    largest: float

    @property
    def skull(self) -> bool:
        """Whether there is, or may be, more than the brain: in what is too flat for a brain, a skull is not seen."""
        return self.rim_mm > SKULL_MM or min(self.extent_mm) < SHORTEST_MM

    def check(self) -> None:
        """Refuse what cannot be a brain.

        Raises:
            ValueError: in a line that says what is wrong with it.
        """
        problems = []
        if not VOLUME_ML[0] <= self.volume_ml <= VOLUME_ML[1]:
            problems.append(f"it would have {self.volume_ml:.0f} ml, not {VOLUME_ML[0]:.0f} to {VOLUME_ML[1]:.0f}")
        if 0 < min(self.extent_mm) < SHORTEST_MM:
            problems.append(f"it would be {min(self.extent_mm):.0f} mm long along an axis: is the spacing right?")
        if self.largest < _ONE_PIECE:
            problems.append(f"it would be in pieces, the largest {self.largest:.0%} of it")
        if self.certainty < _SURE:
            problems.append(f"its border is not sure (Dice {self.certainty:.2f})")
        if problems:
            raise ValueError(
                f"no brain is found in the image with certainty: {'; '.join(problems)}; strip the skull first "
                "(--brain_extraction false takes the image as it is)"
            )


class ExtractBrain(Transform):
    """Find the brain in a volume, with skull or without, of any contrast, by a network trained on simulated heads.

    See :class:`monai_gan_recon.simulation.RandHead` for the heads.

    Args:
        weights: file of the weights of :class:`BrainNetwork`.
        device: device to compute on.

    Raises:
        FileNotFoundError: if there are no weights.
        ValueError: if they are of another network; at the call, see :func:`.brain_mask.volume_values`.
    """

    def __init__(self, weights: str | os.PathLike[str], device: torch.device | str = "cpu") -> None:
        self.device, self.padder = check_device(device), SpatialPad(TRAINED_ON)
        self.network = load_weights(BrainNetwork(), weights).eval().to(self.device)

    def __call__(self, image: torch.Tensor) -> BrainExtraction:
        """Find the brain.

        Args:
            image: (1, X, Y, Z), magnitudes in any unit, any orientation; a plain tensor counts as RAS with 1 mm.
        """
        volume_values(image)
        given = image if isinstance(image, MetaTensor) else MetaTensor(image, affine=torch.eye(4))
        to_ras = Reorientd("image", axcodes="RAS")
        upright = to_ras({"image": MetaTensor(given.as_tensor().float().cpu(), affine=given.affine.cpu())})["image"]
        spacing = spacing_mm(upright)
        seen = resize(upright.as_tensor()[0], network_shape(upright.shape[1:], spacing))
        step = np.array(upright.shape[1:]) * spacing / np.array(seen.shape)
        probability = self._probability(seen)
        brain, largest = _largest_piece(probability > 0.5)
        certain = np.where(brain, np.maximum(probability, 0.51), np.minimum(probability, 0.49))
        inside = resize(torch.from_numpy(certain.astype(np.float32)), upright.shape[1:]) > 0.5
        answer = {
            "image": MetaTensor(inside[None].float(), upright.affine, applied_operations=upright.applied_operations)
        }
        mask: Any = to_ras.inverse(answer)["image"]
        found = [np.flatnonzero(brain.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
        x, y, z = (float((at[-1] - at[0] + 1) * mm) if len(at) else 0.0 for at, mm in zip(found, step, strict=True))
        sure, perhaps = (probability > 0.75) & brain, probability > 0.25
        return BrainExtraction(
            mask=convert_to_dst_type(mask.as_tensor() > 0.5, image, dtype=torch.bool)[0],
            rim_mm=_rim(seen, brain, step),
            volume_ml=float(inside.sum()) * float(np.prod(spacing)) / 1000,
            extent_mm=(x, y, z),
            certainty=float(2 * sure.sum() / max(1, sure.sum() + perhaps.sum())),
            largest=largest,
        )

    def _probability(self, seen: torch.Tensor) -> np.ndarray:
        padded: Any = self.padder(MetaTensor(network_input(seen)[None]))
        with torch.inference_mode():
            head = padded.as_tensor()[None].to(self.device)
            logits = self.network(head) + self.network(head.flip(2)).flip(2)  # as it is, and left for right
        answer = (logits.float() / 2).sigmoid()[0].cpu()
        inner: Any = self.padder.inverse(MetaTensor(answer, applied_operations=padded.applied_operations))
        result: np.ndarray = inner.as_tensor()[0].numpy()
        return result


class ExtractBraind(MapTransform):
    """Brain mask of a volume: its foreground if it is stripped, else the brain that :class:`ExtractBrain` finds.

    A mask that is there already is taken. ``data["brain_extraction"]`` holds the :class:`BrainExtraction`
    where the brain was extracted, or None.

    Args:
        keys: the one key of the volume.
        mask_key: key of the mask.
        extraction: "auto": where there is a skull; "true": always; "false": never, the image is taken for stripped.
        weights: of :class:`ExtractBrain`.
        device: of :class:`ExtractBrain`.
        allow_missing_keys: skip a key that is not there.

    Raises:
        ValueError: for another choice; at the call, if there is a skull and the brain in it cannot be believed, see
            :meth:`BrainExtraction.check`.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        mask_key: str = "brain_mask",
        extraction: str | bool = "auto",
        weights: str | os.PathLike[str] | None = None,
        device: torch.device | str = "cpu",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.mask_key, self.extraction = mask_key, str(extraction).lower()
        if self.extraction not in CHOICES:
            raise ValueError(f"--brain_extraction: {extraction!r} is none of {', '.join(CHOICES)}")
        if self.extraction != "false" and weights is None:
            raise ValueError("--brain_extraction needs weights: give --extraction_weights FILE, or false")
        self.extract = None if weights is None or self.extraction == "false" else ExtractBrain(weights, device)
        self.masker = BrainMask()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the mask, and how it was found."""
        result: dict[Hashable, Any] = {"brain_extraction": None, **data}
        for key in self.key_iterator(result):
            if self.mask_key in result:
                continue
            found = None if self.extract is None else self.extract(result[key])
            if found is not None and (found.skull or self.extraction == "true"):
                found.check()
                result["brain_extraction"], result[self.mask_key] = found, found.mask
            else:
                result[self.mask_key] = self.masker(result[key])
        return result


def network_input(values: torch.Tensor) -> torch.Tensor:
    """Scale magnitudes so that the 99th percentile of what is above 0 becomes 1, and limit them to [0, 1.5].

    Raises:
        ValueError: if nothing is above 0.
    """
    positive = values[values > 0]
    if not positive.numel():
        raise ValueError("no value of the image is above 0, as magnitudes of MRI are; add what was subtracted from it")
    some = positive[:: max(1, positive.numel() // 200_000)]
    return (values / torch.quantile(some.float(), _BRIGHT)).clamp(0, 1.5)


def resize(values: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Resample a volume (X, Y, Z) over the same field of view: averages where it shrinks, linear where it grows."""
    smaller = [min(now, wanted) for now, wanted in zip(values.shape, shape, strict=True)]
    averaged = interpolate(values[None, None].float(), size=smaller, mode="area")
    return interpolate(averaged, size=tuple(shape), mode="trilinear")[0, 0]


def network_shape(shape: Sequence[int], spacing: Sequence[float], wanted: float = SPACING_MM) -> tuple[int, ...]:
    """Size of a volume's field of view in voxels of about ``wanted`` mm: even."""
    return tuple(max(2, 2 * round(n * step / wanted / 2)) for n, step in zip(shape, spacing, strict=True))


def _largest_piece(mask: np.ndarray) -> tuple[np.ndarray, float]:
    """The largest connected piece, its holes filled, and its share of the whole."""
    pieces, count = ndimage.label(mask)
    if count == 0:
        return mask, 0.0
    sizes = np.bincount(pieces.ravel())[1:]
    filled: np.ndarray = ndimage.binary_fill_holes(pieces == sizes.argmax() + 1)
    return filled, float(sizes.max() / sizes.sum())


def _rim(seen: torch.Tensor, brain: np.ndarray, step: np.ndarray) -> float:
    """Upper quartile in mm of the distance from the brain of the surface of what is seen, but for the frame's faces."""
    if not brain.any():
        return float("inf")
    foreground = BrainMask()(seen[None])[0].numpy()
    surface = foreground & ~ndimage.binary_erosion(foreground, border_value=1)
    if not surface.any():
        return float("inf")
    return float(np.quantile(ndimage.distance_transform_edt(~brain, step)[surface], 0.75))
