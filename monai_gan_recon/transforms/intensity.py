"""Min-Max scaling of a volume that can be undone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.data.meta_obj import get_track_meta
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import TraceKeys, convert_to_tensor


class ScaleMinMax(InvertibleTransform):
    r"""Min-Max scaling to an interval, with one minimum and maximum for the whole volume.

    .. math:: m' = minv + (maxv - minv) \frac{m - \min m}{\max m - \min m}

    Equation 1 of the GAN-ResNet50 paper (IJACSA 15(1) 2024). The minimum and maximum travel with the image,
    so that ``inverse`` (or MONAI's ``Invertd``, on a prediction) gives back the original intensities.

    Args:
        minv: lower end of the interval.
        maxv: upper end of the interval.

    Raises:
        ValueError: if ``minv`` is not below ``maxv``; at the call, for a constant, non-finite or complex
            image.
    """

    def __init__(self, minv: float = 0.0, maxv: float = 1.0) -> None:
        if not minv < maxv:
            raise ValueError(f"Min-Max scaling needs minv < maxv, not minv={minv} and maxv={maxv}")
        self.minv = float(minv)
        self.maxv = float(maxv)

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """Scale an image of any shape, such as (1, X, Y, Z); float32 out."""
        image = convert_to_tensor(img, track_meta=get_track_meta())
        if image.is_complex():
            raise ValueError(
                "the image is complex, Min-Max scaling needs magnitudes: give its sampling mask with --mask if it is "
                "zero-filled, else its magnitude"
            )
        low, high = image.min().item(), image.max().item()
        if not low < high or high - low == float("inf"):
            raise ValueError(
                f"Min-Max scaling needs a finite image that is not constant, not values {low:g} to {high:g}"
            )
        scaled = image.to(torch.float32, copy=True)  # in place from here on: volumes are large
        scaled.sub_(low).mul_((self.maxv - self.minv) / (high - low)).add_(self.minv)
        scaled.clamp_(self.minv, self.maxv)  # float rounding must not leave the interval
        self.push_transform(scaled, extra_info={"low": low, "high": high})
        return scaled

    def inverse(self, data: torch.Tensor) -> torch.Tensor:
        """Original intensities of an image, or of another one that carries its applied operations."""
        info = self.pop_transform(data)[TraceKeys.EXTRA_INFO]
        low, high = float(info["low"]), float(info["high"])
        return (data - self.minv).mul_((high - low) / (self.maxv - self.minv)).add_(low)


class ScaleMinMaxd(MapTransform, InvertibleTransform):
    """Dictionary version of :class:`ScaleMinMax`; each key is scaled by its own minimum and maximum.

    Args:
        keys: keys of the images.
        minv: lower end of the interval.
        maxv: upper end of the interval.
        allow_missing_keys: skip keys that are not there.
    """

    def __init__(
        self, keys: KeysCollection, minv: float = 0.0, maxv: float = 1.0, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.scaler = ScaleMinMax(minv, maxv)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Scale the images."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.scaler(result[key])
        return result

    def inverse(self, data: Mapping[Hashable, MetaTensor]) -> dict[Hashable, Any]:
        """Give back the original intensities."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.scaler.inverse(result[key])
        return result


class ScaleMagnitude(InvertibleTransform):
    """Divide a real or complex image by its largest magnitude; the inverse multiplies.

    One positive factor keeps the Fourier transform linear, which subtracting a minimum would not.
    """

    def __call__(self, img: MetaTensor) -> MetaTensor:
        """Scale an image of any shape to a largest magnitude of 1."""
        factor = float(img.abs().max())
        name = img.meta.get("filename_or_obj", "the image")
        if not 0 < factor < float("inf"):
            raise ValueError(f"{name}: its largest magnitude is {factor:g}; there is no image to scale")
        scaled: MetaTensor = img / factor
        self.push_transform(scaled, extra_info={"factor": factor})
        return scaled

    def inverse(self, data: torch.Tensor) -> torch.Tensor:
        """Original intensities of an image, or of another one that carries its applied operations."""
        return data * float(self.pop_transform(data)[TraceKeys.EXTRA_INFO]["factor"])


class ScaleMagnituded(MapTransform, InvertibleTransform):
    """Dictionary version of :class:`ScaleMagnitude`.

    Args:
        keys: keys of the images.
    """

    def __init__(self, keys: KeysCollection) -> None:
        super().__init__(keys)
        self.scaler = ScaleMagnitude()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Scale the images."""
        return dict(data) | {key: self.scaler(data[key]) for key in self.key_iterator(dict(data))}

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Give back the original intensities."""
        return dict(data) | {key: self.scaler.inverse(data[key]) for key in self.key_iterator(dict(data))}
