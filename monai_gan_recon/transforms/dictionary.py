"""Dictionary versions of transforms: the array version, applied to the images under some keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

import numpy as np
from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform, Randomizable


class ArrayTransformd(MapTransform):
    """Base of dictionary versions, each of which names its ``array_version``.

    Args:
        keys: keys of the images.
        args: arguments of the array version.
        options: further ones, by name.
    """

    array_version: ClassVar[Callable[..., Any]]

    def __init__(self, keys: KeysCollection, *args: Any, **options: Any) -> None:
        super().__init__(keys)
        self.transform = type(self).array_version(*args, **options)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace the images."""
        return self._replaced(data, self.transform)

    def _replaced(self, data: Mapping[Hashable, Any], change: Callable[[Any], Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = change(result[key])
        return result


class RandArrayTransformd(ArrayTransformd, Randomizable):
    """The same of a random array version; every key has a draw of its own."""

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> Any:
        """Make the draws reproducible."""
        self.transform.set_random_state(seed, state)
        return self


class InvertibleArrayTransformd(ArrayTransformd, InvertibleTransform):
    """The same of an array version that can be undone, also by MONAI's ``Invertd`` on another image."""

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Undo it."""
        return self._replaced(data, self.transform.inverse)
