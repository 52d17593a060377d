"""Between normalised intensities, whose background is 0, and magnitudes, on which images are augmented."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform

BLACK = 2.6
"""How far under the brain's median no signal lies in T1 images, in the unit of ``NormalizeTissue``."""


class ToMagnituded(MapTransform):
    """Undo the centring of :class:`NormalizeTissued`, so that no signal is 0 and darker than all tissue.

    Interpolation, bias fields and changes of contrast make sense on magnitudes only: after normalisation the
    background has the value of the brain's median.

    Args:
        keys: key of the normalised image, any shape.
        mask_key: gets the brain: voxels that are not 0.
        black: level of no signal under the brain's median.
    """

    def __init__(
        self, keys: KeysCollection = "image", mask_key: str = "brain_mask", black: float = BLACK
    ) -> None:
        super().__init__(keys)
        self.mask_key, self.black = mask_key, black

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Make magnitudes and the mask."""
        result = dict(data)
        for key in self.key_iterator(result):
            mask = result[key] != 0
            result[key] = ((result[key] + self.black) * mask).clamp(min=0)
            result[self.mask_key] = mask.to(result[key].dtype)
        return result


class FromMagnituded(MapTransform):
    """The way back from :class:`ToMagnituded`: centred on the brain's median, exactly 0 outside of the mask.

    Args:
        keys: key of the magnitudes.
        mask_key: key of the brain mask.
        black: as in :class:`ToMagnituded`.
    """

    def __init__(
        self, keys: KeysCollection = "image", mask_key: str = "brain_mask", black: float = BLACK
    ) -> None:
        super().__init__(keys)
        self.mask_key, self.black = mask_key, black

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Centre and mask."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = (result[key] - self.black) * (result[self.mask_key] > 0.5)
        return result
