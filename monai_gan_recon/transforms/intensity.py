"""Min-Max scaling of a volume that can be undone."""

from __future__ import annotations

import torch
from monai.data import MetaTensor
from monai.data.meta_obj import get_track_meta
from monai.transforms import InvertibleTransform
from monai.utils import TraceKeys, convert_to_tensor

from monai_gan_recon.transforms.dictionary import InvertibleArrayTransformd


class ScaleMinMax(InvertibleTransform):
    r"""Min-Max scaling to [0, 1], with one minimum and maximum for the whole volume.

    .. math:: m' = \frac{m - \min m}{\max m - \min m}

    Equation 1 of the GAN-ResNet50 paper (IJACSA 15(1) 2024). The minimum and maximum travel with the image,
    so that ``inverse`` (or MONAI's ``Invertd``, on a prediction) gives back the original intensities.

    Raises:
        ValueError: at the call, for a constant, non-finite or complex image.
    """

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
        scaled.sub_(low).mul_(1 / (high - low)).clamp_(0, 1)  # float rounding must not leave the interval
        self.push_transform(scaled, extra_info={"low": low, "high": high})
        return scaled

    def inverse(self, data: torch.Tensor) -> torch.Tensor:
        """Original intensities of an image, or of another one that carries its applied operations."""
        info = self.pop_transform(data)[TraceKeys.EXTRA_INFO]
        low, high = float(info["low"]), float(info["high"])
        return (data * (high - low)).add_(low)


class ScaleMinMaxd(InvertibleArrayTransformd):
    """Dictionary version of :class:`ScaleMinMax`; each key is scaled by its own minimum and maximum."""

    array_version = ScaleMinMax


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


class ScaleMagnituded(InvertibleArrayTransformd):
    """Dictionary version of :class:`ScaleMagnitude`."""

    array_version = ScaleMagnitude
